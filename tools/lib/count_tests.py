"""Prints `PASSED FAILED` of the test logs that `meson test` wrote as lines of JSON. Skipped tests count as neither."""

import json
import sys
from pathlib import Path

GOOD = {"OK", "EXPECTEDFAIL"}
passed = failed = 0
for path in sys.argv[1:]:
    if not Path(path).exists():
        sys.exit(f"no tests were run: {path} is missing")
    with open(path) as log:
        for line in log:
            result = json.loads(line)["result"]
            passed += result in GOOD
            failed += result not in GOOD | {"SKIP", "IGNORED"}
print(passed, failed)
