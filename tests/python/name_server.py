"""A name server (dnslib) on loopback, over UDP and TCP, that answers as it is told.

Says in one line of JSON at which port, once it listens; ends when its input does. Each line of input is a JSON object:

    {"name": "a.example", "answer": [{"TXT": ["one string", "another"]}, {"A": "192.0.2.1"}]}
    {"name": "a.example", "answer": "SERVFAIL"}
    {"name": "a.example"}

An answer is records (none at all: there is the name, but nothing else), the name of a response code, "silence" or
"garbage". A record belongs to the name itself unless it has an "owner". Characters of a TXT record stand for bytes. Names
that it was told nothing about do not exist. Each line is answered with how often the name was asked for so far.
"""

import collections
import json
import sys
import threading

from dnslib import A, AAAA, CNAME, DNSError, DNSRecord, QTYPE, RCODE, RR, TXT
from dnslib.server import DNSHandler, DNSLogger, DNSServer

DATA = {
    "A": A,
    "AAAA": AAAA,
    "CNAME": CNAME,
    "TXT": lambda strings: TXT([string.encode("latin-1") for string in strings]),
}
# Longer answers have to be asked for over TCP.
UDP_BYTES = 1232
answers = {}
asked = collections.Counter()
lock = threading.Lock()


def key(name):
    return str(name).rstrip(".").lower()


class Zone:
    def resolve(self, request, handler):
        name, kind = request.q.qname, QTYPE[request.q.qtype]
        with lock:
            asked[key(name)] += 1
            answer = answers.get(key(name), "NXDOMAIN")
        reply = request.reply()
        if isinstance(answer, str):
            reply.header.rcode = getattr(RCODE, answer)
            return reply
        for record in answer:
            for its_kind in record.keys() & {kind, "CNAME"}:
                data = DATA[its_kind](record[its_kind])
                reply.add_answer(RR(record.get("owner", name), getattr(QTYPE, its_kind), rdata=data, ttl=300))
        if handler.protocol == "udp" and len(reply.pack()) > UDP_BYTES:
            # As dnslib itself would do, but with the question, without which the answer counts as forged.
            reply = request.reply()
            reply.header.tc = 1
        return reply


class Handler(DNSHandler):
    def get_reply(self, data):
        name = key(DNSRecord.parse(data).q.qname)
        with lock:
            fault = answers.get(name)
            if fault in ("silence", "garbage"):
                asked[name] += 1
        if fault == "silence":
            raise DNSError("told to say nothing")
        if fault == "garbage":
            return data[:2] + b"\xff" * 40
        return super().get_reply(data)


def start():
    quiet = DNSLogger(logf=lambda line: None)
    options = {"address": "127.0.0.1", "handler": Handler, "logger": quiet}
    while True:
        udp = DNSServer(Zone(), port=0, **options)
        port = udp.server.server_address[1]
        try:
            tcp = DNSServer(Zone(), port=port, tcp=True, **options)
        except OSError:
            # Another program has the port for TCP.
            udp.server.server_close()
            continue
        udp.start_thread()
        tcp.start_thread()
        return port


print(json.dumps({"port": start()}), flush=True)
for line in sys.stdin:
    told = json.loads(line)
    with lock:
        if "answer" in told:
            answers[key(told["name"])] = told["answer"]
        print(json.dumps({"asked": asked[key(told["name"])]}), flush=True)
