const { createSession, SessionError } = require('wx-session')

const session = createSession({ baseUrl: 'https://api.example.com' })

Component({
  data: { text: '…' },
  lifetimes: {
    attached() {
      session.on('logout', () => this.setData({ text: '未登录' }))
    }
  },
  methods: {
    async count() {
      try {
        const { data } = await session.callContainer({ path: '/api/count', method: 'POST', data: { action: 'inc' } })
        this.setData({ text: data.user })
      } catch (error) {
        this.setData({ text: error instanceof SessionError ? error.action : 'a fault' })
      }
    },
    logOut() {
      return session.logout()
    }
  }
})
