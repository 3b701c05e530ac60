// `wx` as a phone has it, or another platform's runtime, for one mini program: callbacks only, always later, `success`
// for every HTTP status. Stricter than the real one where that one is silently forgiving. Never knows what wx-session is.
import { RUNTIMES } from './runtimes.mjs'
import { asHeaders, FORBIDDEN, serialised, unserialised } from './wire.mjs'

const REQUEST_OPTIONS = [
  'url', 'data', 'header', 'method', 'timeout', 'dataType', 'responseType', 'enableHttp2', 'enableQuic', 'enableCache',
  'success', 'fail', 'complete'
]
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']
const PARALLEL = 10 // requests under way at once; the others wait

// `network(request)` carries { method, url, headers, body } and gives { status, headers, body }, or throws.
// `wechat` gives what comes from the platform: `code(user, appid)` and `userInfo(user)`, `phoneNumber(user)`.
// `platform`: the phone's; `runtime`: whose mini program it is; `lacks`: APIs that its base library does not have.
export class FakePhone {
  constructor({ network, wechat, user, domain, platform = 'android', runtime = 'wx', appid = RUNTIMES[runtime].appid, lacks = [] }) {
    Object.assign(this, { network, wechat, user, domain, platform, runtime: RUNTIMES[runtime], appid })
    this.loggedIn = true // to the platform's own app; these two are Douyin's
    this.declines = false // to log in to it
    this.asked = 0 // how often it was asked to
    this.storage = new Map()
    this.storageFull = false
    this.loginFails = false
    this.codes = [] // every one that wx.login has given
    this.calls = [] // names of the APIs, in order
    this.requests = [] // what has gone out
    this.waits = [] // milliseconds that setTimeout was asked for; none is waited out
    this.keyOf = null // whose WeChat session this phone has
    this.underWay = 0
    this.queue = []
    this.wx = this.#api()
    for (const api of lacks) delete this.wx[api]
    this.globals = { ...this.runtime.globals(this.wx), setTimeout: (callback, ms) => { this.waits.push(ms); setTimeout(callback) } }
  }

  #api() {
    const api = (name, work) => options => this.#run(name, options, work)
    return {
      login: api('login', options => {
        if (this.loginFails) throw 'fail the operation could not be completed'
        return this.runtime.login(this, options, async () => {
          this.keyOf = this.user
          const code = await this.wechat.code(this.user, this.appid)
          this.codes.push(code)
          return code
        })
      }),
      checkSession: api('checkSession', async () => {
        if (this.keyOf !== this.user) throw 'fail session expired'
        return {}
      }),
      getUserInfo: api('getUserInfo', async ({ withCredentials }) => {
        const data = await this.wechat.userInfo(this.user)
        const userInfo = JSON.parse(data.rawData)
        return withCredentials ? { userInfo, ...data } : { userInfo, rawData: data.rawData }
      }),
      setStorage: api('setStorage', async ({ key, data }) => this.#set(key, data)),
      getStorage: api('getStorage', async ({ key }) => {
        if (!this.storage.has(key)) throw 'fail data not found'
        return { data: JSON.parse(this.storage.get(key)) }
      }),
      removeStorage: api('removeStorage', async ({ key }) => { this.storage.delete(key); return {} }),
      setStorageSync: (key, value) => { this.#set(key, value) },
      getStorageSync: key => this.storage.has(key) ? JSON.parse(this.storage.get(key)) : '',
      removeStorageSync: key => { this.storage.delete(key) },
      reLaunch: api('reLaunch', async () => ({})),
      request: options => this.#request(options)
    }
  }

  #set(key, value) {
    if (typeof key !== 'string' || key === '') throw new Error('setStorage: parameter error: key')
    if (this.storageFull) throw new Error('setStorage:fail exceed storage max size 10Mb')
    this.storage.set(key, JSON.stringify(value))
    return {}
  }

  // An old base library: without callbacks nothing is given back, so a client that waits for a promise hangs.
  #run(name, options = {}, work) {
    this.calls.push(name)
    const { success, fail, complete } = callbacks(name, options)
    later(async () => {
      let result
      let failed = false
      try {
        result = { ...await work(options), errMsg: `${name}:ok` }
      } catch (problem) {
        if (typeof problem !== 'string' && !/setStorage/.test(problem)) throw problem
        failed = true
        result = this.runtime.failure(name, problem.message ?? problem)
      }
      const told = failed ? fail : success
      told?.(result)
      complete?.(result)
    })
  }

  #request(options) {
    this.calls.push('request')
    const { success, fail, complete } = callbacks('request', options)
    let aborted = false
    later(async () => {
      await this.#place()
      let answer
      try {
        answer = await this.#exchange(options)
        if (aborted) throw 'abort'
      } catch (problem) {
        if (problem instanceof TypeError) throw problem
        const result = { ...this.runtime.failure('request', `fail ${problem.message ?? problem}`), errno: 600000 }
        fail?.(result)
        complete?.(result)
        return
      } finally {
        this.underWay--
        this.queue.shift()?.()
      }
      success?.(answer)
      complete?.(answer)
    })
    // A task, never a promise.
    return { abort() { aborted = true }, onHeadersReceived() {}, offHeadersReceived() {}, onChunkReceived() {} }
  }

  async #place() {
    if (this.underWay >= PARALLEL) await new Promise(go => this.queue.push(go))
    this.underWay++
  }

  async #exchange(options) {
    for (const option of Object.keys(options)) {
      if (!REQUEST_OPTIONS.includes(option)) throw `unknown option ${option}`
    }
    const method = options.method ?? 'GET'
    if (!METHODS.includes(method)) throw `invalid method ${method}`
    if (typeof options.url !== 'string' || !options.url.startsWith(this.domain + '/')) throw 'url not in domain list'
    const headers = { 'content-type': 'application/json' }
    for (const [name, value] of Object.entries(options.header ?? {})) {
      if (FORBIDDEN.includes(name.toLowerCase())) throw `header ${name} is forbidden`
      if (typeof value !== 'string') throw `header ${name} is not a string`
      if (name.toLowerCase() === 'content-type') delete headers['content-type']
      headers[name] = value
    }
    const referer = this.runtime.referer(this.appid)
    if (referer) headers.Referer = referer
    const { url, body } = serialised(options, method, headers)
    const request = { method, url, headers, body }
    this.requests.push(request)
    const answer = await this.network(request)
    const data = unserialised(answer.body, options)
    return { data, statusCode: answer.status, header: asHeaders(answer.headers, this.platform), cookies: [], errMsg: 'request:ok' }
  }
}

function callbacks(name, options) {
  for (const callback of ['success', 'fail', 'complete']) {
    if (options[callback] !== undefined && typeof options[callback] !== 'function') {
      throw new Error(`${name}: parameter error: ${callback}`)
    }
  }
  if (!options.success && name !== 'reLaunch') throw new Error(`${name}: nobody would have the answer: give success`)
  return options
}

// What is thrown in a callback is the page's own fault: it ends the test.
function later(work) {
  setTimeout(() => work().catch(problem => setTimeout(() => { throw problem })), 0)
}
