"""Typesets one sheet in a process of its own, which takes the fonts and typst's memory with it when it ends.

The order comes as JSON on standard input, the PDF goes to standard output. Started by `typesetting` as a script, without
site-packages: the order says where typst lies.
"""

import json
import resource
import sys

MEMORY = 2_000_000_000  # bytes; most of it is only addresses
SECONDS = 30  # of the processor


def main() -> None:
    order = json.load(sys.stdin.buffer)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.path.append(order["packages"])
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[order["fonts"]])
    printed = typst.compile(
        order["template"],
        root=order["root"],
        font_paths=fonts,
        sys_inputs={"data": order["data"]},
        pdf_standards=["ua-1"],
        timestamp=order["timestamp"],
    )
    sys.stdout.buffer.write(printed)


if __name__ == "__main__":
    main()
