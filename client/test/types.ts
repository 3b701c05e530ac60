// How a page in TypeScript uses the package. Only compiled, never run.
import { createSession, Login, PhoneNumber, SessionError, User } from '../miniprogram_dist'

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
