# The work of the core as an app in Python would do it, with pycryptodome and the standard library. Reads lines
# `operation times` and answers each with the nanoseconds that all of them took together.
# Arguments: vectors.json
import base64
import hashlib
import hmac
import json
import sys
import time

from Crypto.Cipher import AES, ChaCha20_Poly1305
from Crypto.Util.Padding import unpad

with open(sys.argv[1], encoding="utf-8") as file:
    vectors = json.load(file)
data = vectors["encrypted_data"][0]
plain = json.loads(data["plain"])
signed = vectors["signature"][0]
openid = plain["openId"]
made = 1477314187


def decrypt():
    key = base64.b64decode(data["session_key"])
    iv = base64.b64decode(data["iv"])
    cipher = AES.new(key, AES.MODE_CBC, iv)
    user = json.loads(unpad(cipher.decrypt(base64.b64decode(data["encrypted_data"])), 16))
    watermark = user["watermark"]
    age = made - watermark["timestamp"]
    return watermark["appid"] == data["appid"] and age <= 60 and user["openId"] == openid and user == plain


def signature():
    digest = hashlib.sha1((signed["raw_data"] + signed["session_key"]).encode()).hexdigest()
    return hmac.compare_digest(digest, signed["signature"])


reply = (
    '{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"%s","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}' % openid
).encode()


def code2session():
    login = json.loads(reply)
    key = base64.b64decode(login["session_key"])
    return not login.get("errcode") and login["openid"] == openid and len(key) == 16 and "unionid" in login


# The same format as the core's: a key of its own for each session (HKDF), bound to the name of its entry.
master = hmac.digest(b"wx-session 1", b"a master key of thirty-two bytes and more", "sha256")
token = bytes([9]) * 32
name = b"s" * 66
nonce = bytes([7]) * 12
record = {
    "appid": data["appid"],
    "openid": openid,
    "unionid": "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
    "seen_at": 1477314187000,
    "expires_at": 1479906187000,
    "failures": 0,
}


def cipher(nonce):
    key = hmac.digest(master, b"session:" + token + b"\x01", "sha256")
    cipher = ChaCha20_Poly1305.new(key=key, nonce=nonce)
    cipher.update(name)
    return cipher


def seal():
    text = json.dumps(record).encode()
    body, tag = cipher(nonce).encrypt_and_digest(text)
    sealed = nonce + body + tag
    opened = cipher(sealed[:12]).decrypt_and_verify(sealed[12:-16], sealed[-16:])
    return json.loads(opened)["openid"] == openid


operations = {"decrypt": decrypt, "signature": signature, "code2session": code2session, "seal": seal}

for line in sys.stdin:
    operation, times = line.split()
    run = operations[operation]
    started = time.perf_counter_ns()
    for _ in range(int(times)):
        if not run():
            raise SystemExit(f"{operation} has a wrong result")
    print(time.perf_counter_ns() - started, flush=True)
