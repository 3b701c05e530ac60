// Douyin's own types of `tt` beside ours. Only compiled, never run.
import { createSession, PhoneNumber, Runtime } from 'wx-session'

// What the package needs of it.
export const own: Runtime = tt
const session = createSession({ baseUrl: 'https://api.example.com', appid: 'tt0123456789abcdef01', loginOptions: { force: false } })

export async function page(): Promise<string> {
  const user = await session.register(() => new Promise((success, fail) => tt.getUserProfile({ success, fail })))
  await session.verify(() => new Promise((success, fail) => tt.getUserInfo({ withCredentials: true, success, fail })))
  const { purePhoneNumber } = await session.decrypt<PhoneNumber>(() => ({ encryptedData: '', iv: '' }))
  return (user.nickName ?? '') + purePhoneNumber
}
