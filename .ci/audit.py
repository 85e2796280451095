"""Audit what is installed from the lock, offline: the lock's own versions, and licences that the project may ship with.

    python .ci/audit.py            # faults, exit status 1 if there are any
    python .ci/audit.py --write    # renew docs/licences.md

Known vulnerabilities are another question, for a database that is asked over the network: `make audit`.
"""

import importlib.metadata
import re
import sys
from pathlib import Path

PAGE = Path("docs/licences.md")
PERMISSIVE = {"0BSD", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "Zlib"}
PERMISSIVE |= {"BSD", "3-Clause BSD", "BSD-2-Clause", "BSD-3-Clause", "PSF-2.0", "Python Software Foundation"}
PERMISSIVE |= {"Apache", "Apache 2.0", "Apache Software", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"}
# Copyleft of the package's own files alone: it may be used, not changed and shipped closed.
WEAK = {"GNU Library or Lesser General Public", "LGPL-2.1-or-later", "MPL-2.0", "Mozilla Public 2.0"}
HEAD = """# Licences of what twinoffload is built and tested with

Written by `python .ci/audit.py --write` from the packages of `requirements.lock`; `make check` compares.
The package itself is under the licence in its LICENSE file and ships none of them.

| package | licence |
|---|---|
"""


def main() -> None:
    """Print faults, or write the page."""
    lock = dict(re.findall(r"^([\w.-]+)==([\w.!-]+)", Path("requirements.lock").read_text("utf-8"), re.MULTILINE))
    found = {name: installed(name) for name in lock}
    faults = [f"{name}: {lock[name]} is locked, and {version or 'nothing'} is installed; run make install"
              for name, (version, _) in found.items() if version.partition("+")[0] != lock[name]]  # fmt: skip
    faults += [f"{name}: licence {licence!r} is not among those that .ci/audit.py knows; read it first"
               for name, (_, licence) in found.items() if not is_fine(licence)]  # fmt: skip
    page = HEAD + "".join(f"| {name} | {licence} |\n" for name, (_, licence) in found.items())
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != page:
        faults.append(f"{PAGE} is not of this lock; run {sys.executable} .ci/audit.py --write")
    print("\n".join(faults) or f"{len(found)} packages as locked, their licences known")
    sys.exit(bool(faults))


def installed(name: str) -> tuple[str, str]:
    """Version and licence of a package; empty where it is not there."""
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "", ""
    classes = [one for one in told.get_all("Classifier", []) if one.startswith("License ::")]
    kinds = [one.rpartition("::")[2].strip() for one in classes]
    licence = told.get("License-Expression") or " AND ".join(kinds) or (told.get("License") or "none").splitlines()[0]
    return told["Version"], re.sub(r" [Ll]icense\b| \([A-Z0-9. ]+\)", "", licence).replace(
        "OSI Approved AND ", ""
    ).strip()


def is_fine(licence: str) -> bool:
    """Whether every part of a licence is known, or one of its choices."""
    known = PERMISSIVE | WEAK
    return all(any(one.strip(" ()") in known for one in part.split(" OR ")) for part in licence.split(" AND "))


if __name__ == "__main__":
    main()
