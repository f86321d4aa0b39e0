"""Prints `PASSED FAILED` of the test logs that `meson test` wrote as lines of JSON. Skipped tests count as neither."""

import json
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
passed = failed = 0
for path in sys.argv[1:]:
    with open(path) as log:
        for line in log:
            result = json.loads(line)["result"]
            passed += result in GOOD
            failed += result not in GOOD | {"SKIP", "IGNORED"}
print(passed, failed)
