// The types of uni-app's `uni` beside ours. Only compiled, never run.
import { createSession, Runtime, SessionOptions } from 'wx-session'

// What the package needs of it.
export const own: Runtime = uni

const login: SessionOptions['login'] = async (code, send) => {
  const { data } = await send<{ data: { accessToken: string } }>({ url: '/api/sign-in', method: 'POST', data: { code } })
  return { token: data.data.accessToken }
}
const session = createSession({ baseUrl: 'https://api.example.com', appid: '1108292182', api: uni, login })

export async function page(): Promise<void> {
  await session.register(() => new Promise((success, fail) => uni.getUserInfo({ withCredentials: true, success, fail })))
  uni.uploadFile({ url: 'https://api.example.com/photos', filePath: '', name: 'photo', header: session.header() })
}
