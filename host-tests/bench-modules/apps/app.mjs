// The work of the core as an app in Node would do it, with Node's own crypto (OpenSSL) and JSON. Reads lines
// `operation times` and answers each with the nanoseconds that all of them took together.
// Arguments: vectors.json
import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const data = vectors.encrypted_data[0];
const plain = JSON.parse(data.plain);
const signed = vectors.signature[0];
const openid = plain.openId;
const made = 1477314187;

function decrypt() {
  const key = Buffer.from(data.session_key, "base64");
  const iv = Buffer.from(data.iv, "base64");
  const decipher = createDecipheriv("aes-128-cbc", key, iv);
  const text = decipher.update(data.encrypted_data, "base64", "utf8") + decipher.final("utf8");
  const { watermark, ...user } = JSON.parse(text);
  const age = made - watermark.timestamp;
  return watermark.appid === data.appid && age <= 60 && user.openId === openid && user.nickName === plain.nickName;
}

function signature() {
  const digest = createHash("sha1").update(signed.raw_data).update(signed.session_key).digest("hex");
  return timingSafeEqual(Buffer.from(digest), Buffer.from(signed.signature));
}

const reply = Buffer.from(
  `{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"${openid}","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}`,
);

function code2session() {
  const { errcode, openid: id, session_key: key, unionid } = JSON.parse(reply.toString());
  return !errcode && id === openid && Buffer.from(key, "base64").length === 16 && unionid !== undefined;
}

// The same format as the core's: a key of its own for each session (HKDF), bound to the name of its entry.
const master = createHmac("sha256", "wx-session 1").update("a master key of thirty-two bytes and more").digest();
const token = Buffer.alloc(32, 9);
const name = Buffer.alloc(66, "s");
const nonce = Buffer.alloc(12, 7);
const record = {
  appid: data.appid,
  openid,
  unionid: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
  seen_at: 1477314187000,
  expires_at: 1479906187000,
  failures: 0,
};

function key() {
  return createHmac("sha256", master).update("session:").update(token).update("\x01").digest();
}

function seal() {
  const options = { authTagLength: 16 };
  const text = JSON.stringify(record);
  const cipher = createCipheriv("chacha20-poly1305", key(), nonce, options);
  cipher.setAAD(name, { plaintextLength: Buffer.byteLength(text) });
  const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);

  const decipher = createDecipheriv("chacha20-poly1305", key(), sealed.subarray(0, 12), options);
  decipher.setAAD(name, { plaintextLength: sealed.length - 28 });
  decipher.setAuthTag(sealed.subarray(-16));
  const opened = decipher.update(sealed.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
  return JSON.parse(opened).openid === openid;
}

const operations = { decrypt, signature, code2session, seal };

for await (const line of createInterface({ input: process.stdin })) {
  const [name, times] = line.split(" ");
  const operation = operations[name];
  const started = process.hrtime.bigint();
  for (let left = Number(times); left > 0; left--) {
    if (!operation()) {
      throw new Error(`${name} has a wrong result`);
    }
  }
  console.log(String(process.hrtime.bigint() - started));
}
