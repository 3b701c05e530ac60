import { createSession, SessionError } from 'wx-session'

const session = createSession({ baseUrl: 'https://api.example.com' })

export async function orders() {
  try {
    return (await session.request({ url: '/orders' })).data
  } catch (error) {
    return error instanceof SessionError ? error.action : error
  }
}
