import { createSession } from 'wx-session'
import { baseUrl } from './config'

App({
  session: createSession({ baseUrl }),

  onLaunch() {
    // Another account: nothing that the pages show is this user's.
    this.session.on('switched', () => wx.reLaunch({ url: '/pages/index/index' }))
    // Pages need not wait for this: their requests do. Those that need the session say what is wrong.
    this.session.ensure().catch(error => console.warn(error.message))
  }
})
