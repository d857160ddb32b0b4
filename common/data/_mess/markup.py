"""What the pages of both towns have in common: texts that must not be wrapped, careless typing.

Needs: nothing but the standard library.
"""

import re
from collections.abc import Iterable
from random import Random


def is_drawn(lines: Iterable[str]) -> bool:
    """Whether spaces matter in these lines, as in a table or a drawing made of letters."""
    return any(" ".join(line.split()) != line for line in lines)


def typed(dice: Random, html: str) -> str:
    """The page, one in ten as a careless hand would type it; browsers show it all the same."""
    if dice.random() >= 0.1:
        return html
    html = re.sub(r"</(p|li|td|tr)>", "", html)
    html = re.sub(r'="([\w-]+)"', r"=\1", html)
    html = html.replace("</body></html>", dice.choice(["</b>", "</div></div>", "</html></html>"]))
    return html.replace("<p>", "<P>") if dice.random() < 0.5 else html
