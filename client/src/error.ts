/*
 * What went wrong, in one shape: the edge's own refusals, and what fails before the edge can say anything.
 * Never takes an answer of the app for a refusal: only what has `error` and `action` is one.
 */
import { Answer } from './wx'

/** What can be done about it. See "Errors" in the README of wx-session. */
export type Action = 'relogin' | 'retry_after' | 'show_blocked' | 'fix_config' | 'none'

export interface SessionError extends Error {
  name: 'SessionError'
  /**
   * As in the table of errors; or, of this package: `network` (no answer), `wx_login` (`wx.login` failed),
   * `unexpected_answer` (an endpoint answered, but not in the way of wx-session), `account_switched` (this request was
   * begun under another account, or before a logout, and was not repeated), `foreign_url` (not under `baseUrl`).
   */
  error: string
  action: Action
  /** The number in the table of errors; 0 for those of this package. */
  status: number
  /** The HTTP status; 0 if there was no answer. */
  statusCode: number
  /** As `wx` words it: `request:fail …`. */
  errMsg: string
  /** What is wrong with the request. */
  detail?: string
  /** WeChat's, where it gave one. */
  errcode?: number
  /** WeChat's name for the call, for its support. */
  rid?: string
  /** Seconds. */
  retryAfter?: number
}

export function failure(error: string, action: Action, message: string, statusCode = 0): SessionError {
  const made = new Error(message) as SessionError
  made.name = 'SessionError'
  made.error = error
  made.action = action
  made.status = 0
  made.statusCode = statusCode
  made.errMsg = 'request:fail ' + message
  return made
}

/** The edge's refusal, if this is one. */
export function refusal(answer: Answer): SessionError | undefined {
  const body = answer.statusCode < 400 ? undefined : parsed(answer.data)
  if (!body || typeof body.error !== 'string' || typeof body.action !== 'string') return undefined
  const made = failure(body.error, body.action, body.msg || body.error, answer.statusCode)
  made.status = body.status
  if (body.detail) made.detail = body.detail
  if (body.errcode) made.errcode = body.errcode
  if (body.rid) made.rid = body.rid
  const seconds = parseInt(header(answer, 'retry-after'), 10)
  if (seconds >= 0) made.retryAfter = seconds
  return made
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
