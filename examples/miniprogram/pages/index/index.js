import { SessionError } from 'wx-session'

const { session } = getApp()

// By what the edge says in X-WX-Action.
const advice = {
  relogin: '请再试一次',
  retry_after: '请稍后再试',
  show_blocked: '该账号暂时无法登录',
  fix_config: '服务暂不可用'
}

Page({
  data: { state: '未登录', user: '', phone: '', answer: '', problem: '' },

  onLoad() {
    this.off = session.on('logout', () => this.setData({ state: '未登录', user: '', phone: '', answer: '' }))
    return this.logIn()
  },

  onUnload() {
    this.off()
  },

  logIn() {
    return this.show(session.ensure(), () => ({ state: '已登录' }))
  },

  // A call that needs a session. It would log in by itself.
  call() {
    return this.show(session.request({ url: '/orders' }), ({ data }) => ({ answer: JSON.stringify(data) }))
  },

  // The same in the shape of wx.cloud.callContainer, as mini programs of WeChat Cloud Run have it.
  count() {
    const call = { path: '/api/count', method: 'POST', data: { action: 'inc' } }
    return this.show(session.callContainer(call), ({ data }) => ({ answer: JSON.stringify(data) }))
  },

  // Called again after a login, if the data was made before it. Since 2022 the name is 微信用户 for everybody.
  profile() {
    const fetchData = () => new Promise((success, fail) => wx.getUserInfo({ withCredentials: true, success, fail }))
    return this.show(session.register(fetchData), user => ({ state: '已登录', user: user.nickName }))
  },

  // The code of the button is good once: whatever fails, the user taps again.
  phone({ detail }) {
    if (!detail.code) return this.setData({ problem: detail.errMsg })
    return this.show(session.phone(detail), data => ({ phone: data.purePhoneNumber }))
  },

  logOut() {
    return this.show(session.logout(), () => ({}))
  },

  async show(work, shown) {
    this.setData({ problem: '' })
    try {
      this.setData(shown(await work))
    } catch (error) {
      // What is none was said by wx itself, such as that the user declines.
      if (!(error instanceof SessionError)) return this.setData({ problem: error.errMsg || error.message })
      const problem = advice[error.action] || error.message
      this.setData({ problem: error.errcode ? `${problem}（${error.errcode}）` : problem })
    }
  }
})
