/*
 * What went wrong, in one shape: the edge's own refusals, and what fails before the edge can say anything.
 * Never takes an answer of the app for a refusal: the edge marks its own with headers, whatever their status and body.
 */
import { Answer } from './wx.js'

/** What can be done about it. See "What to do on an error" in docs/clients.md of wx-session. */
export type Action = 'relogin' | 'retry_after' | 'show_blocked' | 'fix_config' | 'none'

export interface SessionError extends Error {
  name: 'SessionError'
  /**
   * As in the table of errors; or, of this package: `network` (no answer), `wx_login` (the platform's `login` failed, or
   * gave no code), `app_login` (the option `login` failed), `unexpected_answer` (an endpoint answered, but not in the way
   * of wx-session), `account_switched` (what failed was begun under another account, or before a logout, and did not go
   * on), `foreign_url` (not under `baseUrl`), `no_runtime` (not in a mini program).
   */
  error: string
  action: Action
  /** The number in the table of errors, if the edge's `answers` leave it there; 0 for those of this package. */
  status: number
  /** The HTTP status, which may be 200 where `answers` say so; 0 if there was no answer. */
  statusCode: number
  /** As `wx` words it: `request:fail …`. */
  errMsg: string
  /** What is wrong with the request. */
  detail?: string
  /** The platform's, where it gave one. */
  errcode?: number
  /** WeChat's name for the call, for its support. */
  rid?: string
  /** Seconds. */
  retryAfter?: number
}

interface SessionErrorClass {
  new (error: string, action: Action, message: string, statusCode?: number): SessionError
  readonly prototype: SessionError
}

/** A class by hand: ES5 has no other way to a real `Error`, with its stack, that is also an instance of ours. */
export const SessionError: SessionErrorClass = function (
  this: SessionError, error: string, action: Action, message: string, statusCode?: number
) {
  const made: SessionError = Object.setPrototypeOf(new Error(message), Object.getPrototypeOf(this))
  made.error = error
  made.action = action
  made.status = 0
  made.statusCode = statusCode || 0
  made.errMsg = 'request:fail ' + message
  return made
} as any

(SessionError as { prototype: SessionError }).prototype = Object.create(Error.prototype, {
  constructor: { value: SessionError, configurable: true, writable: true },
  name: { value: 'SessionError', configurable: true, writable: true }
})

/** Whether the edge itself made this answer: then what it says is ours to act on. */
export function isOfEdge(answer: Answer): boolean {
  return header(answer, 'x-wx-error') !== ''
}

/** The edge's refusal, if this is one. */
export function refusal(answer: Answer): SessionError | undefined {
  const error = header(answer, 'x-wx-error')
  if (!error || error === 'none') return undefined
  // Members are for people to read: where `answers` put others in their place, they are not what they seem.
  const body = parsed(answer.data) || {}
  const action = (header(answer, 'x-wx-action') || 'none') as Action
  const made = new SessionError(error, action, typeof body.msg === 'string' ? body.msg : error, answer.statusCode)
  if (typeof body.status === 'number') made.status = body.status
  if (body.detail) made.detail = body.detail
  if (body.errcode) made.errcode = body.errcode
  if (body.rid) made.rid = body.rid
  const seconds = parseInt(header(answer, 'retry-after'), 10)
  if (seconds >= 0) made.retryAfter = seconds
  return made
}

/** Whether a login helps whatever was refused: stale open data it does not, that has to be fetched anew. */
export function asksForLogin(error: SessionError): boolean {
  return error.action === 'relogin' && error.error !== 'session_key_stale'
}

/** With `dataType` or `responseType` of its own, a request gets a refusal unparsed too. */
function parsed(data: any): any {
  try {
    if (data instanceof ArrayBuffer) {
      data = decodeURIComponent(escape(String.fromCharCode.apply(null, new Uint8Array(data) as any)))
    }
    return typeof data === 'string' ? JSON.parse(data) : data
  } catch (_) {
    return undefined
  }
}

/** iOS, Android and the developer tools write the names of headers each in its own way. */
function header(answer: Answer, name: string): string {
  for (const each in answer.header) {
    if (each.toLowerCase() === name) return String(answer.header[each])
  }
  return ''
}

declare function escape(text: string): string
