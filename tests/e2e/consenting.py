"""A person at the consent page, as a program: it also stands in for a browser on the command line.

python consenting.py ADDRESS [allow|deny]
"""

import re
import sys
from collections.abc import Sequence
from html import unescape

import httpx


def consent(address: str, answer: str = "allow", tenants: Sequence[str] | None = None) -> str:
    """Tick these organisations (all by default) and answer; where the browser is sent then."""
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(address)
        assert page.status_code == 200, page.text
        form = {name: unescape(value) for name, value in re.findall(r'"hidden" name="(.*?)" value="(.*?)"', page.text)}
        offered = re.findall(r'name="tenant" value="(.*?)"', page.text)
        ticked = offered if tenants is None else list(tenants)
        sent = browser.post(address.partition("?")[0], data={**form, "tenant": ticked, "answer": answer})
        return sent.headers["location"]


if __name__ == "__main__":
    back = consent(*sys.argv[1:])
    seen = httpx.get(back, trust_env=False)
    sys.stdout.write(seen.text)
