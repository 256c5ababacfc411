"""An SMTP server for tests: prints its port, then every mail it takes as a line of JSON. Ends with its standard input.

Its argument is the port, or 0 for any. Receivers that begin with `busy.` are put off once each, those that begin with
`refused.` are refused for good.
"""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


def tell(value):
    print(json.dumps(value), flush=True)


class Sink:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused."):
            return "550 no such person"
        if address.startswith("busy.") and address not in self.put_off:
            self.put_off.add(address)
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 go on"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        plain = message.get_body(("plain",))
        html = message.get_body(("html",))
        tell({
            "to": envelope.rcpt_tos,
            "header_to": message["To"],
            "from": message["From"],
            "subject": message["Subject"],
            "message_id": message["Message-ID"],
            "language": message["Content-Language"],
            "text": plain.get_content() if plain else None,
            "html": html.get_content() if html else None,
        })
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    sink = Sink()
    protocol = lambda: SMTP(sink, hostname="sink.example", enable_SMTPUTF8=True)
    server = await loop.create_server(protocol, "127.0.0.1", int(sys.argv[1]))
    tell({"port": server.sockets[0].getsockname()[1]})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
