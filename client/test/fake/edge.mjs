// An edge for tests without one: it knows codes, tokens and session keys by name, and gives what the test tells it to.
// Never checks a signature or decrypts: the tests on the real edge do.

const BASE = 'https://api.example.com'
const ROWS = {
  no_session: [401, 2001, 'relogin'],
  invalid_token: [401, 2002, 'relogin'],
  missing_parameter: [400, 1002, 'none'],
  unknown_app: [400, 1010, 'none'],
  invalid_code: [401, 3001, 'relogin'],
  login_rate_limited: [429, 3003, 'retry_after', 60],
  user_blocked: [403, 3004, 'show_blocked'],
  session_key_stale: [422, 4001, 'relogin'],
  wechat_config: [500, 5001, 'fix_config'],
  wechat_unavailable: [503, 5004, 'retry_after', 2],
  store_unavailable: [503, 5005, 'retry_after', 2],
  upstream_unavailable: [503, 5007, 'retry_after', 2],
  overloaded: [503, 5008, 'retry_after', 2],
  session_expired: [401, 2003, 'relogin'],
  internal_error: [500, 5006, 'none'],
  invalid_phone_code: [422, 4003, 'none'],
  body_timeout: [408, 1011, 'retry_after', 1]
}

export class FakeEdge {
  constructor() {
    this.base = BASE
    this.sessions = new Map() // token → user
    this.codes = new Map() // code → user, of those not used yet
    this.phoneCodes = new Map() // code of the button → user, of those not used yet
    this.apps = [] // ids of those that it serves, if it is more than one
    this.appOf = new Map() // code → id of its app
    this.appRefuses = undefined // what the app says of a login through it that it refuses
    this.keys = new Map() // user → how many session_keys were given out
    this.faults = [] // { path, answer }, each for one request
    this.seen = [] // `POST /wx/login`, in order
    this.counter = 0
    this.readsBodies = true // false: as an Envoy that hands none over
    this.answers = {} // as in the configuration: ok, session, other
    this.network = request => this.#network(request)
    this.wechat = {
      code: async (user, appid) => {
        const code = this.#fresh('code', this.codes, user)
        this.appOf.set(code, appid)
        return code
      },
      phoneCode: async user => this.#fresh('phone', this.phoneCodes, user),
      userInfo: async user => {
        const made = { user, key: this.keys.get(user) ?? 0 }
        return { rawData: JSON.stringify(made), signature: 's', encryptedData: JSON.stringify(made), iv: 'iv' }
      }
    }
  }

  count(call) {
    return this.seen.filter(each => each === call).length
  }

  // The next requests to `path` get these instead of what is right; a promise: when the test says.
  fail(path, ...answers) {
    this.faults.push(...answers.map(answer => ({ path, answer })))
  }

  async #network({ method, url, headers, body }) {
    const { pathname } = new URL(url)
    this.seen.push(`${method} ${pathname}`)
    await new Promise(soon => setTimeout(soon, 1))
    const fault = this.faults.findIndex(each => each.path === pathname)
    const answer = fault >= 0 ? await this.faults.splice(fault, 1)[0].answer : this.answer(method, pathname, headers, body)
    if (answer instanceof Error) throw answer
    const worded = this.#worded(answer)
    return { headers: [], ...worded, body: Buffer.from(worded.body) }
  }

  // As other clients know it, where that is configured. The headers stay.
  #worded(answer) {
    const error = answer.headers?.find(([name]) => name === 'x-wx-error')?.[1]
    const words = this.answers[kindOf(error)]
    if (!words) return answer
    const body = JSON.parse(answer.body)
    if (words.token_as && body.data.token) body.data[words.token_as.replace('data.', '')] = body.data.token
    if (words.message_as) body[words.message_as] = body.msg
    return { ...answer, status: words.http_status ?? answer.status, body: JSON.stringify({ ...body, ...words.members }) }
  }

  answer(method, path, headers, body) {
    if (body && path.startsWith('/wx/') && !this.readsBodies) return refuse('body_timeout')
    const data = body && path.startsWith('/wx/') ? JSON.parse(body) : inHeaders(headers)
    const token = headers['X-3rd-Session']
    const referer = /^https:\/\/servicewechat\.com\/([^/]*)/.exec(headers.Referer)?.[1]
    if (path === '/wx/login') return this.#login({ token, appid: referer, ...data })
    if (path === '/api/sign-in') return this.#throughApp({ token, appid: referer, ...JSON.parse(body) })
    const user = this.sessions.get(token)
    if (path === '/wx/session') return ok(user ? { hasSession: true, expired: false } : { hasSession: false })
    if (path.startsWith('/public')) return app(200, { path })
    if (!user) return refuse(token ? 'invalid_token' : 'no_session')
    if (path === '/wx/logout') {
      const ended = [...this.sessions].filter(([each, owner]) => each === token || (data.everywhere && owner === user))
      ended.forEach(([each]) => this.sessions.delete(each))
      return ok({ ended: ended.length })
    }
    if (['/wx/register', '/wx/decrypt', '/wx/verify'].includes(path)) {
      const made = JSON.parse(data.encryptedData ?? data.rawData)
      const age = this.keys.get(user) - made.key
      return made.user === user && (age === 0 || age === 1) ? ok(made) : refuse('session_key_stale')
    }
    if (path === '/wx/phone') {
      const known = this.phoneCodes.get(data.code) === user
      this.phoneCodes.delete(data.code)
      return known ? ok({ phoneNumber: '1', keep: data.keep ?? false }) : refuse('invalid_phone_code', { errcode: 40029 })
    }
    return app(200, { path, user })
  }

  // A route with `login: body, login_code: loginCode`. The app answers in words of its own.
  #throughApp({ loginCode, token, appid }) {
    const answer = this.#login({ code: loginCode, token, appid })
    if (answer.status !== 200) return answer
    const { token: given, event } = JSON.parse(answer.body).data
    if (!this.appRefuses) return app(200, { errno: 0, result: { access_token: given, event } })
    this.sessions.delete(given)
    return app(200, this.appRefuses)
  }

  #login({ code, token, appid }) {
    if (this.apps.length && !appid) return refuse('missing_parameter')
    if (this.apps.length && !this.apps.includes(appid)) return refuse('unknown_app')
    const user = this.apps.length && this.appOf.get(code) !== appid ? undefined : this.codes.get(code)
    if (!user) return refuse('invalid_code', { errcode: 40029, rid: 'a-rid' })
    this.codes.delete(code)
    const old = this.sessions.get(token)
    this.sessions.delete(token)
    const event = old && old !== user ? 'switched' : this.keys.has(user) ? 'returning' : 'new'
    this.keys.set(user, (this.keys.get(user) ?? 0) + 1)
    return ok({ token: this.#fresh('token', this.sessions, user), expiresIn: 7200, registered: false, event })
  }

  #fresh(kind, map, user) {
    const made = `${kind}-${++this.counter}`
    map.set(made, user)
    return made
  }
}

// What the edge reads where there is no body.
function inHeaders(headers) {
  const read = {}
  const named = { code: 'X-WX-Code', appid: 'X-WX-App', encryptedData: 'X-WX-Encrypted-Data', iv: 'X-WX-IV', signature: 'X-WX-Signature' }
  for (const name in named) if (headers[named[name]]) read[name] = headers[named[name]]
  if (headers['X-WX-RawData']) read.rawData = decodeURIComponent(headers['X-WX-RawData'])
  if (headers['X-WX-Keep']) read.keep = headers['X-WX-Keep'] === 'true'
  if (headers['X-WX-Everywhere']) read.everywhere = headers['X-WX-Everywhere'] === 'true'
  return read
}

function kindOf(error) {
  if (!error) return undefined
  return error === 'none' ? 'ok' : ['no_session', 'invalid_token', 'session_expired'].includes(error) ? 'session' : 'other'
}

export function refuse(error, more = {}) {
  const [status, number, action, retryAfter] = ROWS[error]
  const headers = marks(error, action)
  if (retryAfter !== undefined) headers.push(['retry-after', String(more.retryAfter ?? retryAfter)])
  return { status, headers, body: JSON.stringify({ status: number, msg: '说明', error, action, ...more }) }
}

export function app(status, body) {
  return { status, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

function ok(data) {
  return { ...app(200, { status: 0, msg: 'ok', data }), headers: marks('none', 'none') }
}

// What every answer of the edge's own has, and no other.
function marks(error, action) {
  return [['x-wx-error', error], ['x-wx-action', action]]
}
