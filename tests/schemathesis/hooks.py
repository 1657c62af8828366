"""What schemathesis cannot know from the document."""

import itertools
import re

import schemathesis

KEY = "Idempotency-Key"
VALID = re.compile(r'[!#-~](?:[ -~]{0,253}[!-~])?|"(?:[ !#-\[\]-~]|\\["\\]){1,255}"')

NOTIFY = "Notify-Url"

used: set[str] = set()
numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lets each valid key be used once, as with another body it would be refused; and names nobody to notify, as
    this host notifies nobody."""
    (case.headers or {}).pop(NOTIFY, None)
    key = (case.headers or {}).get(KEY)
    if not isinstance(key, str) or not VALID.fullmatch(key):
        return
    # Quoted and bare, with escapes and without, it is the same key.
    bare = re.sub(r"\\(.)", r"\1", key[1:-1]) if key.startswith('"') else key
    if bare in used:
        case.headers[KEY] = f"repeated-{next(numbers)}"
    used.add(bare)
