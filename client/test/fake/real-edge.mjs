// A real Envoy with the plugin, between fakes of WeChat, of other platforms and of an app, which `cargo xtask client` has started.
// Never starts anything itself.
import http from 'node:http'
import { client } from './modules.mjs'
import { FakePhone } from './wx.mjs'

const CONTROL = process.env.WX_SESSION_CONTROL

// For `test`: without an edge these tests are left out, and say so.
export const onEdge = CONTROL ? {} : { skip: 'needs the edge of `cargo xtask client`' }

export const base = CONTROL && await control('/edge')

export async function control(path) {
  const { status, body } = await network({ method: 'GET', url: CONTROL + path, headers: {}, body: '' })
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
  const text = body.toString()
  return path.includes('/phone/login') ? text : JSON.parse(text)
}

// Under which paths the control server has each platform.
const PLATFORM = { wx: '', qq: '/qq', tt: '/douyin', ks: '/kuaishou' }

// A phone with the client on it. `users` of different tests are different people.
export function phone(user, options = {}) {
  const at = PLATFORM[options.runtime ?? 'wx']
  const wechat = {
    code: user => control(`${at}/phone/login?user=${user}`),
    userInfo: user => control(`${at}/phone/user-info?user=${user}`),
    phoneNumber: user => control(`${at}/phone/phone-number?user=${user}`)
  }
  const made = new FakePhone({ network, wechat, user, domain: base, ...options })
  made.control = path => control(at + path)
  made.open = more => client(made).createSession({ baseUrl: base, ...more })
  return made
}

// How many code2Session requests its platform has had for codes of this phone.
export async function exchanges(phone) {
  const codes = await phone.control('/wechat/codes')
  return codes.filter(code => phone.codes.includes(code)).length
}

// How many times the app has seen it, such as `GET /orders`.
export async function seenByApp(request) {
  const requests = await control('/app/requests')
  return requests.filter(seen => seen === request).length
}

// What the app was told about the caller; it answers with the headers that it got.
export function header(answer, name) {
  return answer.data.headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

export function network({ method, url, headers, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const raw = answer.rawHeaders
        const pairs = raw.flatMap((name, n) => n % 2 ? [] : [[name, raw[n + 1]]])
        resolve({ status: answer.statusCode, headers: pairs, body: Buffer.concat(chunks) })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}
