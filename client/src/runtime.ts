/*
 * The runtime that the mini program runs in: WeChat's, QQ's, Douyin's or Kuaishou's, or what the caller gives in its place.
 * Of its APIs the few that this package uses, with callbacks only: so it runs on every base library that has Promise.
 * Never decides anything about a session.
 */
import { Action, SessionError } from './error.js'
import { mix } from './wx.js'

/** What there must be of a runtime: of `wx`, `qq`, `tt` and `ks`, and of `uni` and `Taro`. */
export interface Runtime {
  request(options: any): unknown
  login(options: any): unknown
  /** Where it lacks, the edge alone says whether a session goes on. */
  checkSession?(options: any): unknown
  getStorageSync(key: string): unknown
  setStorageSync(key: string, value: string): void
  removeStorageSync(key: string): void
}

type Api = 'request' | 'login' | 'checkSession'

/** What is told of a call that fails. */
const FAILED: { [api in Api]: [string, Action] } = {
  request: ['network', 'retry_after'],
  login: ['wx_login', 'retry_after'],
  checkSession: ['check_session', 'relogin']
}

declare const qq: unknown
declare const tt: unknown
declare const ks: unknown
declare const wx: unknown

/** With its name. Those of other platforms come first: on QQ there is a `wx` too, for code that was made for WeChat. */
function find(given?: Runtime): [string, Runtime] | undefined {
  const all: Array<[string, any]> = given ? [['api', given]] : [
    ['qq', typeof qq === 'undefined' ? 0 : qq],
    ['tt', typeof tt === 'undefined' ? 0 : tt],
    ['ks', typeof ks === 'undefined' ? 0 : ks],
    ['wx', typeof wx === 'undefined' ? 0 : wx]
  ]
  return all.filter(each => isRuntime(each[1]))[0]
}

/** In a browser, `wx` may be WeChat's JSSDK, and `qq` some library. */
function isRuntime(value: any): boolean {
  return !!value && [value.request, value.login, value.getStorageSync].every(api => typeof api === 'function')
}

/** Fails with a `SessionError`. */
export function call(given: Runtime | undefined, api: Api, options?: object): Promise<any> {
  return new Promise((success, fail) => {
    const found = find(given)
    if (!found) {
      throw new SessionError('no_runtime', 'none', given ? 'api has no request, login or getStorageSync' : 'no wx, qq, tt or ks here')
    }
    const [name, runtime] = found
    const failed = (problem: any) => {
      const [error, action] = FAILED[api]
      const why = reason(problem)
      fail(new SessionError(error, action, name + '.' + api + ' failed' + (why && ': ' + why)))
    }
    // Of these, only checkSession may lack.
    if (!runtime[api]) return success(undefined)
    const all = mix(options, { success, fail: failed })
    delete all.complete
    try {
      const told: any = runtime[api]!(all)
      // Taro gives a promise too, which nobody else would catch.
      if (told && told.then) told.then(null, failed)
    } catch (problem) {
      failed(problem)
    }
  })
}

/** A fresh code. */
export function codeOf(given: Runtime | undefined, options?: object): Promise<string> {
  return call(given, 'login', options).then(result => {
    if (result && result.code) return result.code
    // Of who has not logged in to Douyin, with `force: false`.
    throw new SessionError('wx_login', 'none', find(given)![0] + '.login gave no code: nobody is logged in')
  })
}

/** Why something failed, in words of whoever says it: each platform has members of its own. Empty if none is known. */
export function reason(problem: any): string {
  return String((problem && (problem.errMsg || problem.message || problem.msg || problem)) || '')
}

/** Empty if there is none or the storage fails. */
export function load(given: Runtime | undefined, key: string): string {
  try {
    const value = find(given)![1].getStorageSync(key)
    return typeof value === 'string' ? value : ''
  } catch (_) {
    return ''
  }
}

/** A storage that fails costs a login at the next start, and nothing now. */
export function store(given: Runtime | undefined, key: string, value: string): void {
  try {
    const runtime = find(given)![1]
    if (value) runtime.setStorageSync(key, value)
    else runtime.removeStorageSync(key)
  } catch (_) {}
}
