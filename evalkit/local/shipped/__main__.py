"""`python -m evalkit.local.shipped FOLDER` writes both files of every shipped suite under FOLDER."""

import sys
from pathlib import Path

from evalkit.local.shipped.suites import write_suites

write_suites(Path(sys.argv[1]))
