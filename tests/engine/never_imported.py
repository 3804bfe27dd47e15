"""An executor whose import never ends."""

import sys
import time

if sys.argv[0].endswith("leash.py"):
    time.sleep(1000)
