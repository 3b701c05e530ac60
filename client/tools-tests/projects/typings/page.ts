// WeChat's own types of `wx` beside ours. Only compiled, never run.
import { Answer, createSession, GroupEnterInfo, Login, PhoneNumber, Runtime, SessionError, ShareInfo, User, UserProfile, WeRunData } from 'wx-session'

// What the package needs of it.
export const own: Runtime = wx
const session = createSession({ baseUrl: 'https://api.example.com' })

interface Orders { total: number }

// What `wx.request` takes, `request` takes; what it gives, `request` gives.
export const request: (options: WechatMiniprogram.RequestOption<Orders>) => Promise<Answer<Orders>> = session.request
export const answer = (given: WechatMiniprogram.RequestSuccessCallbackResult<Orders>): Answer<Orders> => given

// The same of Cloud Run.
export const callContainer: (options: ICloud.CallContainerParam) => Promise<ICloud.CallContainerResult> = session.callContainer

App<{ session: typeof session }>({
  session,
  onLaunch() {
    session.on('switched', ({ token }: Login) => wx.reLaunch({ url: `/pages/index/index?${token.length}` }))
    session.ensure().catch((error: SessionError) => console.warn(error.message))
  }
})

Page({
  data: { phone: '', steps: 0 },
  async profile() {
    const user: User = await session.register(() => new Promise((success, fail) =>
      wx.getUserInfo({ withCredentials: true, success, fail })))
    wx.showToast({ title: user.nickName ?? '', icon: user.registered ? 'success' : 'none' })
    const profile = await session.decrypt<UserProfile>(() => wx.getUserProfile({ desc: 'why' }))
    return profile.nickName
  },
  async phone({ detail }: WechatMiniprogram.ButtonGetPhoneNumber) {
    const { purePhoneNumber, watermark } = await session.decrypt<PhoneNumber>(() => detail)
    this.setData({ phone: purePhoneNumber + watermark.appid })
  },
  async steps() {
    const { stepInfoList } = await session.decrypt<WeRunData>(() => new Promise((success, fail) => wx.getWeRunData({ success, fail })))
    this.setData({ steps: stepInfoList.reduce((sum, day) => sum + day.step, 0) })
  },
  async group() {
    const { openGId } = await session.decrypt<ShareInfo>(() => new Promise((success, fail) =>
      wx.getShareInfo({ shareTicket: '', success, fail })))
    const { opengid } = await session.decrypt<GroupEnterInfo>(() => new Promise((success, fail) =>
      wx.getGroupEnterInfo({ success, fail })))
    return openGId + opengid
  },
  async upload(filePath: string) {
    try {
      wx.uploadFile({ url: 'https://api.example.com/photos', filePath, name: 'photo', header: session.header() })
    } catch (error) {
      if (error instanceof SessionError && error.action === 'retry_after') console.warn(error.retryAfter?.toFixed())
    }
  }
})

// @ts-expect-error nothing of the sort in a phone number
session.decrypt<PhoneNumber>(() => ({})).then(data => data.stepInfoList)
