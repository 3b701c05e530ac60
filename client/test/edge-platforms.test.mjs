// The client in the runtimes of other platforms, and logging in through the app, against a real edge that serves all four.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { exchanges, header, onEdge, phone, seenByApp } from './fake/real-edge.mjs'
import { RUNTIMES, taro, uni } from './fake/runtimes.mjs'
import { failing } from './fake/scene.mjs'

const PLATFORM = {
  wx: { source: 'wx_client', called: '微信' },
  qq: { source: 'qq_client', called: 'QQ' },
  tt: { source: 'tt_client', called: '抖音' },
  ks: { source: 'ks_client', called: '快手' }
}
const used = []

function edition(runtime, user, options) {
  const made = phone(user, { runtime, ...options })
  used.push(made)
  return made
}

afterEach(async () => {
  for (const phone of used.splice(0)) if (!onEdge.skip) await phone.control('/wechat/up')
})

for (const [runtime, { source, called }] of Object.entries(PLATFORM)) {
  const appid = RUNTIMES[runtime].appid

  test(`${runtime}: from the first page to the logout`, onEdge, async () => {
    const mine = edition(runtime, 'journey')
    const session = mine.open({ appid })
    const answer = await session.request({ url: `/journey/${runtime}`, method: 'POST', data: { n: 1 } })
    assert.deepEqual([header(answer, 'x-wx-source'), header(answer, 'x-wx-appid')], [source, appid])
    assert.equal(await mine.open({ appid }).ensure(), null)
    const fetchData = () => new Promise((success, fail) => mine.wx.getUserInfo({ withCredentials: true, success, fail }))
    assert.equal((await session.register(fetchData)).nickName, '小明🎉👨‍👩‍👧')
    assert.deepEqual(await session.verify(fetchData), { valid: true })
    assert.equal((await session.decrypt(() => mine.wechat.phoneNumber('journey'))).countryCode, '86')
    const other = edition(runtime, 'journey').open({ appid })
    await other.login()
    await other.logout({ everywhere: true })
    assert.equal((await session.request({ url: '/journey/again' })).statusCode, 200)
    assert.equal(await exchanges(mine), 2)
    assert.equal(await seenByApp(`POST /journey/${runtime}`), 1)
    assert.deepEqual(await session.logout(), { ended: 1 })
    assert.equal((await failing(session.request({ url: '/journey/more' }))).error, 'no_session')
  })

  test(`${runtime}: a platform that is down, or refuses the code, is told in its own name`, onEdge, async () => {
    const mine = edition(runtime, 'unlucky')
    const session = mine.open({ appid })
    await mine.control('/wechat/next?busy,busy,busy,busy,busy,busy')
    const error = await failing(session.login())
    assert.deepEqual([error.error, error.action, mine.waits], ['wechat_busy', 'retry_after', [2000]])
    assert.match(error.message, new RegExp(called))
    await mine.control('/wechat/up')
    mine.wechat.code = async () => 'nobody-gave-this-code'
    assert.equal((await failing(session.login())).error, 'invalid_code')
  })

  test(`${runtime}: behind uni and Taro, and with parameters in headers`, onEdge, async () => {
    for (const [name, wrap] of Object.entries({ uni, taro })) {
      const mine = edition(runtime, `${name}-user`)
      const session = mine.open({ appid, api: wrap(mine.wx), parameters: 'headers' })
      const answer = await session.request({ url: `/${name}` })
      assert.equal(header(answer, 'x-wx-source'), source)
      assert.equal((await session.login()).event, 'returning')
      assert.equal(mine.requests.at(-1).headers['X-WX-App'], appid)
    }
  })

  test(`${runtime}: login through the app, whose answer has the token`, onEdge, async () => {
    const mine = edition(runtime, 'through')
    const login = async (loginCode, send) => {
      // The fake app answers with the headers that it got.
      const answer = await send({ url: '/api/sign-in', method: 'POST', data: { loginCode, appid } })
      return {
        token: header(answer, 'x-wx-login-token'),
        expiresIn: Number(header(answer, 'x-wx-login-expires-in')),
        event: header(answer, 'x-wx-login-event')
      }
    }
    const session = mine.open({ login })
    const answers = await Promise.all([1, 2, 3].map(n => session.request({ url: `/through/${n}` })))
    assert.equal(new Set(answers.map(answer => header(answer, 'x-wx-openid'))).size, 1)
    const { expiresIn, event, registered } = await session.login()
    assert.deepEqual([expiresIn, event, registered], [7200, 'returning', true])
    assert.equal(await exchanges(mine), 2)
    mine.wechat.code = async () => 'nobody-gave-this-code'
    assert.equal((await failing(session.login())).error, 'invalid_code')
    assert.deepEqual(await session.logout(), { ended: 1 })
  })
}

test('without its id, another platform’s login is refused, and a code is good with its own app only', onEdge, async () => {
  const mine = edition('tt', 'anonymous')
  const error = await failing(mine.open().login())
  assert.deepEqual([error.error, error.detail, await exchanges(mine)], ['missing_parameter', 'appid', 0])
  assert.equal((await failing(mine.open({ appid: RUNTIMES.ks.appid }).login())).error, 'invalid_code')
  assert.equal(await exchanges(mine), 0)
  assert.equal((await edition('wx', 'by-referer').open().login()).event, 'new')
})

test('the user of one edition is none of another', onEdge, async () => {
  const openids = await Promise.all(Object.keys(PLATFORM).map(async runtime => {
    const session = edition(runtime, 'everywhere').open({ appid: RUNTIMES[runtime].appid })
    return header(await session.request({ url: '/whoami' }), 'x-wx-openid')
  }))
  assert.equal(new Set(openids).size, 4)
})

test('an app that writes the edge’s own marks is not taken for it', onEdge, async () => {
  const mine = phone('marks')
  const session = mine.open()
  await session.login()
  for (const place of ['/marks', '/public/marks']) {
    const answer = await session.request({ url: `${place}/answer/200?x-wx-error=no_session&x-wx-action=relogin`, method: 'POST' })
    assert.equal(answer.statusCode, 200)
    assert.equal(Object.keys(answer.header).find(name => /^x-wx-(error|action)$/i.test(name)), undefined)
  }
  assert.equal(await exchanges(mine), 1)
})
