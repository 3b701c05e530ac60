// How a page in TypeScript uses the package. Only compiled, never run.
import { AppLogin, createSession, Login, PhoneNumber, Runtime, Send, SessionError, User } from '../miniprogram_dist'

const session = createSession({ baseUrl: 'https://api.example.com', header: 'X-WX-Skey' })

export async function page(): Promise<string> {
  const login: Login | null = await session.ensure()
  if (login && !login.registered) await session.register(() => ({ encryptedData: '', iv: '' }))
  const off: () => void = session.on('switched', ({ token }) => token.length)
  session.on('logout', () => off())
  session.request<{ total: number }>({ url: '/orders', success: ({ data }) => data.total.toFixed() })
  const { data, statusCode } = await session.request<{ total: number }>({ url: '/orders', enableHttp2: true })
  try {
    await session.logout({ everywhere: true })
  } catch (problem) {
    if (!(problem instanceof SessionError)) throw problem
    const { action, error, errcode, rid, retryAfter } = problem
    if (action === 'retry_after') return `${error} ${errcode} ${rid} ${retryAfter}`
  }
  return data.total.toFixed() + statusCode
}

export async function openData(): Promise<string> {
  const user: User = await session.register(() => ({ encryptedData: '', iv: '' }))
  const { purePhoneNumber } = await session.decrypt<PhoneNumber>(() => ({ encryptedData: '', iv: '' }))
  const { data, callID } = await session.callContainer<{ count: number }>({
    config: { env: 'prod' }, path: '/api/count', header: { 'X-WX-SERVICE': 'express' }, method: 'POST', data: {}
  })
  return (user.nickName || '') + purePhoneNumber + data.count.toFixed() + callID
}

export async function phone(e: { detail: { code: string; errMsg: string; encryptedData: string; iv: string } }): Promise<string> {
  const { phoneNumber, countryCode }: PhoneNumber = await session.phone(e.detail, { keep: true })
  return String(countryCode) + phoneNumber
}

declare const other: Runtime

export const elsewhere = createSession({
  baseUrl: 'https://api.example.com',
  appid: 'tt0123456789abcdef01',
  api: other,
  loginOptions: { force: false },
  async login(code: string, send: Send): Promise<AppLogin> {
    const { data } = await send<{ token: string }>({ url: '/api/sign-in', method: 'POST', data: { code } })
    return { token: data.token, event: 'switched' }
  }
})
// At once is good too.
createSession({ baseUrl: 'https://api.example.com', login: code => ({ token: code }) })

// @ts-expect-error a login gives a token
createSession({ baseUrl: 'https://api.example.com', login: () => ({ expiresIn: 7200 }) })
// @ts-expect-error no such event
createSession({ baseUrl: 'https://api.example.com', login: () => ({ token: '', event: 'other' }) })
// @ts-expect-error a runtime has requests
createSession({ baseUrl: 'https://api.example.com', api: { login() {} } })
// @ts-expect-error an id is a text: QQ's too
createSession({ baseUrl: 'https://api.example.com', appid: 1108292182 })
// @ts-expect-error the address is needed
createSession({})
// @ts-expect-error no such event
session.on('expired', () => {})
// @ts-expect-error a request needs a url
session.request({})
// @ts-expect-error open data is fetched by a function
session.decrypt({ encryptedData: '', iv: '' })
// @ts-expect-error a phone number has no steps
session.decrypt<PhoneNumber>(() => ({})).then(data => data.stepInfoList)
// @ts-expect-error a call needs a path
session.callContainer({ url: '/orders' })
// @ts-expect-error an error has no such action
new SessionError('mine', 'give_up', 'no')
