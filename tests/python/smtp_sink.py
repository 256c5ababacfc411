"""An SMTP server for tests: prints its port, then every mail it takes as a line of JSON. Ends with its standard input."""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


def tell(value):
    print(json.dumps(value), flush=True)


class Sink:
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
            "text": plain.get_content() if plain else None,
            "html": html.get_content() if html else None,
        })
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), hostname="sink.example", enable_SMTPUTF8=True), "127.0.0.1", 0)
    tell({"port": server.sockets[0].getsockname()[1]})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
