# @title Entrance: find the course, or fetch it (the same cell in every notebook)
import os
import sys

fetch = f"git clone -qb main --depth=1 {os.getenv('COURSE_URL', 'none-stamped')}"
roots = ("..", ".", "../..", *sys.path, "course")
home = [root for root in roots if os.path.isfile(f"{root}/utils/entrance.py")]
if not home and os.system(f"{fetch} course"):
    sys.exit(f"No course here; failed: {fetch}\nSet COURSE_URL to its git address.")
sys.path.insert(0, os.path.abspath(home[0] if home else "course"))
__import__("utils.entrance").entrance.enter()
