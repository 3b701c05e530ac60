/*
 * Login through the app, which answers in its own words: the caller reads them. Never looks at what the app says itself.
 */
import { SessionError } from './error.js'
import { reason } from './runtime.js'
import { AppLogin, Login, LoginThroughApp } from './session.js'
import { mix, Send } from './wx.js'

/** `send` takes the old token along. Fails with a `SessionError` whatever the caller throws. */
export function throughApp(login: LoginThroughApp, code: string, send: Send): Promise<Login> {
  return Promise.resolve().then(() => login(code, send)).then(asLogin, problem => {
    throw problem instanceof SessionError ? problem : new SessionError('app_login', 'none', reason(problem) || 'login failed')
  })
}

function asLogin(given: AppLogin): Login {
  if (given && given.token) return mix({ expiresIn: 0, registered: true, event: 'returning' }, given)
  throw new SessionError('unexpected_answer', 'none', 'the app gave no token')
}
