/*
 * What may be tried again, and after which time. Never counts: that each is done once is the caller's to see to.
 */
import { SessionError } from './error.js'
import { RequestOptions } from './wx.js'

/** A user does not look at a spinner for longer: what would take more seconds fails at once. */
const LONGEST_WAIT_S = 10

export function mayWait(error: SessionError): boolean {
  return error.action === 'retry_after' && error.retryAfter! <= LONGEST_WAIT_S
}

/** An app that did not answer may still have done what it was asked; and a body that took too long once takes so again. */
export function mayRepeat(error: SessionError, options: RequestOptions): boolean {
  return mayWait(error) && error.error !== 'body_timeout' && (error.error !== 'upstream_unavailable' || !options.method || options.method === 'GET')
}

export function wait(error: SessionError): Promise<void> {
  return new Promise(done => { setTimeout(done, error.retryAfter! * 1000) })
}

declare function setTimeout(callback: () => void, ms: number): unknown
