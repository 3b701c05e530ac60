/*
 * The mini program's side of wx-session. One login at a time, one repetition of each kind, and no loop.
 * Never sends the token anywhere but to `baseUrl`, and never repeats a request under another account.
 */
import { asContainerAnswer, asContainerError, asRequest, ContainerAnswer, ContainerOptions } from './container.js'
import { asksForLogin, isOfEdge, refusal, SessionError } from './error.js'
import { inHeaders } from './parameters.js'
import { mayRepeat, mayWait, wait } from './patience.js'
import { ButtonWay, phoneNumber } from './phone.js'
import { call, codeOf, load, store } from './runtime.js'
import { Events, FetchOpenData, Login, OpenData, Session, SessionOptions } from './session.js'
import { throughApp } from './through-app.js'
import { Answer, mix, RequestOptions } from './wx.js'

export { SessionError } from './error.js'
export type { ContainerAnswer, ContainerOptions } from './container.js'
export type { Action } from './error.js'
export type { GroupEnterInfo, PhoneNumber, ShareInfo, User, UserProfile, Watermark, WeRunData } from './open-data.js'
export type { ButtonDetail } from './phone.js'
export type { Runtime } from './runtime.js'
export type { AppLogin, Events, FetchOpenData, Login, LoginThroughApp, OpenData, Session, SessionOptions } from './session.js'
export type { Answer, RequestOptions, Send } from './wx.js'

type Again = (error: SessionError) => boolean
type GoesOn = () => void

/** What a request has used up of its repetitions. */
interface Turn {
  /** The token that it was sent with. */
  token: string
  waited?: boolean
  /** Fails if it is not to be sent any more; without it, it goes on under whatever account. */
  goesOn?: GoesOn | undefined
  /** What of the errors that pass it may be repeated after; without it, all. */
  again?: Again | undefined
}

interface Callbacks<R> {
  success?(result: R): void
  fail?(error: any): void
  complete?(result: any): void
}

export function createSession(options: SessionOptions): Session {
  const { api, appid } = options
  const base = options.baseUrl.replace(/\/+$/, '')
  const tokenHeader = options.header || 'X-3rd-Session'
  const prefix = options.prefix === undefined ? '/wx' : options.prefix
  const key = 'wx-session:' + base
  const listeners: { [event: string]: Array<(about: any) => void> } = {}

  let token = load(api, key)
  let flight: Promise<Login> | null = null
  /** The same login before its token is kept: a logout ends that one too. */
  let entering: Promise<Login> | null = null
  let check: Promise<Login | null> | null = null
  /** Changes with the account, and with a logout: what began before is not repeated. */
  let account = 0
  let loggedOut = false
  /** Whether endpoints get their parameters in headers. */
  let bodiless = options.parameters === 'headers'

  function keep(value: string): void {
    token = value
    store(api, key, value)
  }

  function emit<E extends keyof Events>(event: E, about: Events[E]): void {
    (listeners[event] || []).slice().forEach(listener => {
      try {
        listener(about)
      } catch (problem) {
        console.error(problem)
      }
    })
  }

  /** Fails if what began under this account must not go on. */
  function still(began: number): void {
    if (account !== began) throw switched()
  }

  function header(value = token): { [name: string]: string } {
    const made: { [name: string]: string } = {}
    if (value) made[tokenHeader] = value
    return made
  }

  /** One request of the runtime. Fails with the edge's refusal. */
  function send(options: RequestOptions, value: string): Promise<Answer> {
    const url = options.url.charAt(0) === '/' ? base + options.url : options.url
    if (url.indexOf(base + '/') !== 0) {
      return Promise.reject(new SessionError('foreign_url', 'none', options.url + ' is not under ' + base))
    }
    return call(api, 'request', mix(options, { url, header: mix(options.header, header(value)) })).then(answer => {
      const error = refusal(answer)
      if (error) throw error
      return answer
    })
  }

  /** Sends, and once more if told when. */
  function exchange(options: RequestOptions, turn: Turn): Promise<Answer> {
    return send(options, turn.token).then(null, error => {
      if (turn.waited || !mayRepeat(error, options) || (turn.again && !turn.again(error))) throw error
      turn.waited = true
      return wait(error).then(() => {
        if (turn.goesOn) turn.goesOn()
        return exchange(options, turn)
      })
    })
  }

  function endpoint(name: string, data: object | undefined, value: string, goesOn?: GoesOn, again?: Again): Promise<any> {
    const ask = () => {
      if (goesOn) goesOn()
      return exchange(asking(name, data), { token: value, goesOn, again })
    }
    return ask().then(null, error => {
      if (readsNoBody(error)) return ask()
      throw error
    }).then(content)
  }

  function asking(name: string, data?: object): RequestOptions {
    const url = prefix + '/' + name
    if (!data) return { url, method: 'GET' }
    return bodiless ? { url, method: 'GET', header: inHeaders(data) } : { url, method: 'POST', data }
  }

  /** Whether the edge has just shown that it gets to see no body: then nothing was done, and headers may do. */
  function readsNoBody(error: SessionError): boolean {
    const shown = error.error === 'body_timeout' && !bodiless
    bodiless = bodiless || shown
    return shown
  }

  /** The login itself. `again`: it may take a second code. */
  function enter(began: number, again: boolean): Promise<Login> {
    still(began)
    // What the caller's login sends after a logout would go with the next one's token, or make a session for nobody.
    const sendStill = (asked: RequestOptions) => Promise.resolve().then(() => {
      still(began)
      return send(asked, token)
    })
    return codeOf(api, options.loginOptions)
      .then(code => {
        still(began)
        return options.login ? throughApp(options.login, code, sendStill) : atEndpoint(code)
      })
      .then(null, error => {
        if (!options.login && readsNoBody(error)) return enter(began, again)
        if (again && error.action === 'relogin') return enter(began, false)
        if (again && mayWait(error)) {
          still(began)
          return wait(error).then(() => enter(began, false))
        }
        throw error
      })
  }

  /** The old token goes along, so that the edge ends its session and sees whether the account is another. */
  function atEndpoint(code: string): Promise<Login> {
    const data: { code: string; token?: string; appid?: string } = { code }
    if (token && !bodiless) data.token = token
    if (appid) data.appid = appid
    return send(asking('login', data), bodiless ? token : '').then(content)
  }

  function welcome(login: Login): Login {
    keep(login.token)
    if (login.event === 'switched') {
      account++
      announce('switched', login)
    }
    announce('login', login)
    return login
  }

  /** Fails if a listener has logged out: then nobody gets the token. */
  function announce(event: 'switched' | 'login', login: Login): void {
    emit(event, login)
    accountOf(login)
  }

  function login(): Promise<Login> {
    loggedOut = false
    if (flight) return flight
    const began = account
    entering = enter(began, true)
    const own = flight = entering.then(login => {
      still(began)
      // From here on its token is the one that a logout ends.
      entering = null
      return welcome(login)
    })
    // After a logout there may be another one.
    const landed = () => { if (flight === own) flight = entering = null }
    own.then(landed, landed)
    return own
  }

  /** A login, unless somebody has logged in since `old` was sent. Whoever calls it has seen that nobody has logged out. */
  function renew(old: string): Promise<Login | null> {
    return token === old ? login() : Promise.resolve(flight)
  }

  /** Sees to a session, by a login if need be; gives the account that it is of, which this login may have changed. */
  function settled(look: () => Promise<unknown>): Promise<number> {
    if (!token || flight) return login().then(accountOf)
    const old = token
    const began = account
    return look().then(() => began, () => {
      still(began)
      return renew(old).then(login => login ? accountOf(login) : began)
    })
  }

  /** Fails if somebody has logged out since: then the account is none of this login's. */
  function accountOf(login: Login): number {
    if (token !== login.token) throw switched()
    return account
  }

  function ensure(): Promise<Login | null> {
    if (!token || flight) return login()
    loggedOut = false
    if (check) return check
    const sent = token
    // Another account may come meanwhile, for it is a session too; a logout takes the check away.
    const goesOn = () => { if (check !== own) throw switched() }
    const own: Promise<Login | null> = check = checked().then(() => endpoint('session', undefined, sent, goesOn))
      .then(session => {
        goesOn()
        return session.hasSession && !session.expired ? null : renew(sent)
      }, error => {
        if (error.action !== 'relogin') throw error
        goesOn()
        return renew(sent)
      })
    const done = () => { if (check === own) check = null }
    own.then(done, done)
    return own
  }

  /** Fails with `action: relogin` if the platform's own session has ended. */
  function checked(): Promise<unknown> {
    return call(api, 'checkSession')
  }

  function request<T>(options: RequestOptions<T>): Promise<Answer<T>> {
    return told(guarded(options), options)
  }

  function callContainer<T>(options: ContainerOptions<T>): Promise<ContainerAnswer<T>> {
    return told(guarded(asRequest(options)).then(asContainerAnswer, error => {
      throw asContainerError(error)
    }), options)
  }

  /** The callbacks too, if there are any: then nobody has to catch the promise. */
  function told<R>(result: Promise<R>, options: Callbacks<R>): Promise<R> {
    const { success, fail, complete } = options
    if (success || fail || complete) {
      result.then(answer => {
        if (success) success(answer)
        if (complete) complete(answer)
      }, error => {
        if (fail) fail(error)
        if (complete) complete(error)
      })
    }
    return result
  }

  function guarded(options: RequestOptions): Promise<Answer> {
    const began = account
    const goesOn = () => still(began)
    const turn: Turn = { token: '', goesOn }
    let failed: unknown
    const attempt = () => {
      goesOn()
      turn.token = token
      return exchange(options, turn)
    }
    // A login that is under way will give the token that this request needs; if it fails, a public route needs none.
    return Promise.resolve(flight).then(null, error => { failed = error })
      .then(attempt)
      .then(null, error => {
        if (!asksForLogin(error) || loggedOut) throw error
        if (failed) throw failed
        goesOn()
        return renew(turn.token).then(attempt)
      })
  }

  function logout(options?: { everywhere?: boolean }): Promise<{ ended: number }> {
    const old = token
    const late = entering
    loggedOut = true
    account++
    flight = entering = check = null
    keep('')
    emit('logout', undefined)
    const everywhere = !!(options && options.everywhere)
    // The edge may have taken a login that is under way: nobody would have its token. A newer login is to stay.
    const endLate = (login: Login) => end(login.token, everywhere && !token && !flight)
    // Not waited for: it may never land, and through the app it may be what waits for this logout.
    if (late) late.then(endLate).then(null, () => {})
    return end(old, everywhere).then(ended => ({ ended }))
  }

  /** Ends a session at the edge, or all of its user's; gives how many. */
  function end(value: string, everywhere: boolean): Promise<number> {
    if (!value) return Promise.resolve(0)
    return endpoint('logout', { everywhere }, value).then(told => told.ended, error => {
      if (asksForLogin(error)) return 0
      throw error
    })
  }

  /** The login comes first: data that was fetched before one is under an older key. */
  function openData(name: string, fetchData: FetchOpenData): Promise<any> {
    return settled(checked).then(began => {
      const goesOn = () => still(began)
      let old = ''
      const fetched = () => {
        goesOn()
        return fetchData()
      }
      const post = (data: OpenData | null | void) => {
        // The edge says what is missing.
        const { encryptedData, iv, rawData, signature } = data || {}
        old = token
        return endpoint(name, { encryptedData, iv, rawData, signature }, old, goesOn)
      }
      const once = (data: OpenData) => post(data).then(null, error => {
        if (error.action !== 'relogin') throw error
        goesOn()
        return renew(old).then(fetched).then(anew => {
          // From a button: only another tap brings other data.
          if (anew === data && !asksForLogin(error)) throw error
          return post(anew)
        })
      })
      return Promise.resolve(fetched()).then(once)
    })
  }

  /** For one tap, whose code is the number of whoever tapped. */
  function buttonWay(): ButtonWay {
    let began: number
    const goesOn = () => still(began)
    return {
      ready: () => settled(() => Promise.resolve()).then(of => {
        began = of
        return token
      }),
      renew(old) {
        goesOn()
        return renew(old).then(() => token)
      },
      ask: (data, value, again) => endpoint('phone', data, value, goesOn, again)
    }
  }

  return {
    login,
    ensure,
    request,
    callContainer,
    logout,
    register: fetchData => openData('register', fetchData),
    decrypt: fetchData => openData('decrypt', fetchData),
    verify: fetchData => openData('verify', fetchData),
    phone: (detail, options) => phoneNumber(buttonWay(), detail, options && options.keep),
    header: () => header(),
    on(event, listener) {
      const all = listeners[event] || (listeners[event] = [])
      all.push(listener)
      return () => {
        const at = all.indexOf(listener)
        if (at >= 0) all.splice(at, 1)
      }
    }
  }
}

function switched(): SessionError {
  return new SessionError('account_switched', 'none', 'begun under another account, or before a logout')
}

function content(answer: Answer): any {
  const { data, statusCode } = answer
  if (isOfEdge(answer) && data && data.data) return data.data
  throw new SessionError('unexpected_answer', 'none', 'status ' + statusCode, statusCode)
}

declare const console: { error(problem: unknown): void }
