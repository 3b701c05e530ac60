/*
 * The phone number of a button's code: one request, and once more after a login or a wait. Never sends a code again that
 * WeChat may have seen.
 */
import { asksForLogin, SessionError } from './error.js'
import { PhoneNumber } from './open-data.js'

/** What `bindgetphonenumber` gets as `e.detail`; of it, `code` is sent. */
export interface ButtonDetail {
  /** Not there if the user declines, or the phone is too old. */
  code?: string
  errMsg?: string
}

/** What of the session it needs, for one tap: under another account than that of `ready`, the other two fail. */
export interface ButtonWay {
  /** Waits for a login that is under way, or logs in if nobody has; gives the token. */
  ready(): Promise<string>
  /** Logs in, unless somebody has since `old` was sent; gives the token. */
  renew(old: string): Promise<string>
  /** Asks the edge, and once more after an error that `again` holds for. */
  ask(data: object, token: string, again: (error: SessionError) => boolean): Promise<PhoneNumber>
}

export function phoneNumber(way: ButtonWay, detail: ButtonDetail, keep?: boolean): Promise<PhoneNumber> {
  const code = detail && detail.code
  if (!code) {
    return Promise.reject(new SessionError('no_phone_code', 'none', (detail && detail.errMsg) || 'e.detail has no code'))
  }
  const data = keep ? { code, keep } : { code }
  // WeChat gave no answer, or its answer could not be kept.
  const again = (error: SessionError) => error.error !== 'wechat_unavailable' && !(keep && error.error === 'store_unavailable')
  return way.ready().then(token => way.ask(data, token, again).then(null, error => {
    // Refused for the session alone, the code has not been looked at.
    if (!asksForLogin(error)) throw error
    return way.renew(token).then(anew => way.ask(data, anew, again))
  }))
}
