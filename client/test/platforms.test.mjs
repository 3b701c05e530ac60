// In the runtimes of all platforms, and behind those of uni-app and Taro.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { client } from './fake/modules.mjs'
import { RUNTIMES, taro, uni } from './fake/runtimes.mjs'
import { failing, scene } from './fake/scene.mjs'

// An edge with an app of each platform, and a phone in one of them.
function edition(runtime, options) {
  const made = scene({ runtime, ...options })
  made.edge.apps = Object.values(RUNTIMES).map(({ appid }) => appid)
  made.open = more => client(made.phone).createSession({ baseUrl: made.edge.base, appid: made.phone.appid, ...more })
  return { ...made, session: made.open() }
}

for (const runtime of Object.keys(RUNTIMES)) {
  test(`${runtime}: logs in with its own app, calls, sends open data, is renewed and logs out`, async () => {
    const { edge, phone, session, open } = edition(runtime)
    assert.equal((await session.ensure()).event, 'new')
    assert.equal(JSON.parse(phone.requests[0].body).appid, RUNTIMES[runtime].appid)
    assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
    assert.equal(await open().ensure(), null)
    assert.equal((await session.register(() => edge.wechat.userInfo('ming'))).user, 'ming')
    edge.sessions.clear()
    assert.equal((await session.callContainer({ path: '/api/count', method: 'POST' })).data.user, 'ming')
    phone.keyOf = null
    assert.equal((await session.ensure()).event, 'returning')
    assert.deepEqual(await session.logout(), { ended: 1 })
    assert.equal(phone.storage.size, 0)
    assert.equal(phone.codes.length, 3)
  })

  test(`${runtime}: what it says of a failure is told under its name`, async () => {
    const { edge, phone, session } = edition(runtime)
    phone.loginFails = true
    const noCode = await failing(session.login())
    assert.deepEqual([noCode.error, noCode.action], ['wx_login', 'retry_after'])
    assert.match(noCode.message, new RegExp(`^${runtime}\\.login failed: .*the operation could not be completed$`))
    phone.loginFails = false
    edge.fail('/wx/login', new Error('timeout'))
    const noNetwork = await failing(session.login())
    assert.equal(noNetwork.error, 'network')
    assert.match(noNetwork.message, new RegExp(`^${runtime}\\.request failed: .*timeout$`))
  })

  test(`${runtime}: without checkSession, the edge says whether the session goes on`, async () => {
    const { edge, session } = edition(runtime, { lacks: ['checkSession'] })
    await session.login()
    assert.equal(await session.ensure(), null)
    assert.equal((await session.decrypt(() => edge.wechat.userInfo('ming'))).user, 'ming')
    edge.sessions.clear()
    assert.equal((await session.ensure()).event, 'returning')
  })

  test(`${runtime}: behind uni and Taro, which the caller gives`, async () => {
    for (const wrap of [uni, taro]) {
      const { edge, phone, open } = edition(runtime)
      const api = wrap(phone.wx)
      phone.globals = { setTimeout: phone.globals.setTimeout }
      const session = open({ api })
      edge.fail('/orders', refuse('no_session'), new Error('timeout'))
      assert.match((await failing(session.request({ url: '/orders' }))).message, /^api\.request failed: /)
      assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
      assert.equal(await open({ api }).ensure(), null)
      phone.keyOf = null
      phone.loginFails = true
      assert.equal((await failing(session.ensure())).error, 'wx_login')
    }
  })
}

test('the app is named in a header where the edge gets no body', async () => {
  const { edge, phone, open } = edition('ks')
  edge.readsBodies = false
  assert.equal((await open({ parameters: 'headers' }).login()).event, 'new')
  assert.equal(phone.requests.at(-1).headers['X-WX-App'], RUNTIMES.ks.appid)
  assert.equal((await open().login()).event, 'returning')
})

test('without the id only WeChat’s edition is found, by its Referer; the edge says what is missing', async () => {
  assert.equal((await edition('wx').open({ appid: undefined }).login()).event, 'new')
  for (const runtime of ['qq', 'tt', 'ks']) {
    const error = await failing(edition(runtime).open({ appid: undefined }).login())
    assert.deepEqual([error.error, error.action], ['missing_parameter', 'none'])
  }
  assert.equal((await failing(edition('tt').open({ appid: RUNTIMES.wx.appid }).login())).error, 'invalid_code')
})

test('one app alone needs no id, and none is sent', async () => {
  const { phone, session } = scene({ runtime: 'qq' })
  await session.login()
  assert.deepEqual(Object.keys(JSON.parse(phone.requests[0].body)), ['code'])
})

test('who has not logged in to Douyin is asked to, and one who declines is told', async () => {
  const { phone, session } = edition('tt')
  phone.loggedIn = false
  phone.declines = true
  assert.match((await failing(session.login())).message, /^tt\.login failed: login:fail host login fail/)
  phone.declines = false
  assert.equal((await session.login()).event, 'new')
  assert.equal(phone.asked, 2)
})

test('Douyin with force: false asks nobody, and there is no login until the page wants one', async () => {
  const { edge, phone, open } = edition('tt')
  phone.loggedIn = false
  const loginOptions = { force: false }
  const session = open({ loginOptions })
  const { error, action, message } = await failing(session.ensure())
  assert.deepEqual([error, action, message], ['wx_login', 'none', 'tt.login gave no code: nobody is logged in'])
  assert.deepEqual([phone.asked, edge.seen], [0, []])
  assert.equal((await session.request({ url: '/public/news' })).statusCode, 200)
  loginOptions.force = true
  await session.login()
  assert.equal(phone.asked, 1)
})

test('what is no mini program says so, and only when something is asked of it', async () => {
  const page = { wx: { config() {}, ready() {} }, qq: function FineUploader() {}, tt: null, ks: undefined }
  const { createSession } = client({ globals: { ...page, setTimeout } })
  const session = createSession({ baseUrl: 'https://api.example.com' })
  for (const call of [() => session.login(), () => session.ensure(), () => session.request({ url: '/' }), () => session.decrypt(() => ({}))]) {
    const { error, action, message } = await failing(call())
    assert.deepEqual([error, action, message], ['no_runtime', 'none', 'no wx, qq, tt or ks here'])
  }
  assert.deepEqual([session.header(), await session.logout()], [{}, { ended: 0 }])
  const given = createSession({ baseUrl: 'https://api.example.com', api: { request() {} } })
  assert.equal((await failing(given.login())).message, 'api has no request, login or getStorageSync')
})

test('a runtime that throws instead of calling back is one that failed', async () => {
  const { phone, session } = scene()
  phone.wx.request = () => { throw new TypeError('parameter error') }
  const { error, message } = await failing(session.request({ url: '/orders' }))
  assert.deepEqual([error, message], ['network', 'wx.request failed: parameter error'])
})
