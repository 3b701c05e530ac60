// The client against a real edge. Run by `cargo xtask client`, and with all else by `cargo xtask test`.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { control, exchanges, header, onEdge, phone, seenByApp } from './fake/real-edge.mjs'
import { failing } from './fake/scene.mjs'

afterEach(() => onEdge.skip || control('/wechat/up'))

test('twenty pages at a cold start: WeChat is asked once', onEdge, async t => {
  const cold = phone('cold')
  const session = cold.open()
  const pages = Array.from({ length: 20 }, (_, n) => session.request({ url: `/cold/${n}` }))
  const answers = await Promise.all(pages)
  const openids = new Set(answers.map(answer => header(answer, 'x-wx-openid')))
  assert.deepEqual([openids.size, [...openids][0].length], [1, 28])
  assert.ok(answers.every(answer => header(answer, 'x-3rd-session') === undefined))
  t.diagnostic(`code2Session requests for ${pages.length} pages: ${await exchanges(cold)}`)
  assert.equal(await exchanges(cold), 1)
})

test('a start with a session asks WeChat nothing', onEdge, async () => {
  const warm = phone('warm')
  await warm.open().login()
  const session = warm.open()
  assert.equal(await session.ensure(), null)
  assert.equal((await session.request({ url: '/warm' })).statusCode, 200)
  assert.equal(await exchanges(warm), 1)
})

test('a session revoked under way: one login, and each request reaches the app once', onEdge, async () => {
  const mine = phone('revoked')
  const session = mine.open()
  await session.login()
  const other = phone('revoked').open()
  await other.login()
  assert.deepEqual(await other.logout({ everywhere: true }), { ended: 2 })
  const pages = [1, 2, 3, 4, 5].map(n => session.request({ url: `/revoked/${n}`, method: 'POST', data: { n } }))
  assert.deepEqual((await Promise.all(pages)).map(answer => answer.statusCode), [200, 200, 200, 200, 200])
  assert.equal(await exchanges(mine), 2)
  for (const n of [1, 2, 3, 4, 5]) assert.equal(await seenByApp(`POST /revoked/${n}`), 1)
})

test('a refusal in the words of other clients, with status 200, is one all the same', onEdge, async () => {
  const mine = phone('legacy')
  const session = mine.open()
  const bare = await mine.network({ method: 'GET', url: `${mine.domain}/legacy/bare`, headers: {}, body: '' })
  const { errno, action } = JSON.parse(bare.body)
  assert.deepEqual([bare.status, errno, action], [200, 501, 'none'])
  const { data, statusCode } = await session.callContainer({ path: '/legacy/orders', method: 'POST', data: { n: 1 } })
  assert.deepEqual([statusCode, data.path], [200, '/legacy/orders'])
  assert.equal(await seenByApp('POST /legacy/orders'), 1)
  await session.logout()
  const { error, statusCode: refused } = await failing(session.request({ url: '/legacy/orders' }))
  assert.deepEqual([error, refused], ['no_session', 200])
})

test('a good login has the token where other clients look for it, and ours does not mind', onEdge, async () => {
  const mine = phone('worded')
  const answers = []
  const network = mine.network
  mine.network = async request => {
    const answer = await network(request)
    answers.push(answer)
    return answer
  }
  const { token } = await mine.open().login()
  const { errno, data } = JSON.parse(answers[0].body)
  assert.deepEqual([errno, data.accessToken, data.token], [0, token, token])
})

test('the old session ends with a login', onEdge, async () => {
  const mine = phone('again')
  const session = mine.open()
  const old = (await session.login()).token
  assert.equal((await session.login()).event, 'returning')
  const answer = await mine.network({ method: 'GET', url: `${mine.domain}/again`, headers: { 'X-3rd-Session': old }, body: '' })
  assert.equal(JSON.parse(answer.body).error, 'invalid_token')
})

test('WeChat down: one more try after the time that the edge says, then a clear error', onEdge, async () => {
  const mine = phone('down')
  const session = mine.open()
  await control('/wechat/down')
  const before = await control('/wechat/refusals')
  const error = await failing(session.request({ url: '/down' }))
  assert.deepEqual(mine.waits, [2000])
  assert.deepEqual([error.error, error.action, error.statusCode], ['wechat_unavailable', 'retry_after', 503])
  assert.ok(error.retryAfter >= 2)
  assert.equal(mine.codes.length, 2)
  assert.equal(await control('/wechat/refusals') - before, 2)
  assert.equal(await seenByApp('GET /down'), 0)
  await control('/wechat/up')
  assert.equal((await session.request({ url: '/down' })).statusCode, 200)
})

test('WeChat down is nothing to who has a session, or needs none', onEdge, async () => {
  const session = phone('unharmed').open()
  await session.login()
  await control('/wechat/down')
  assert.equal((await session.request({ url: '/unharmed' })).statusCode, 200)
  assert.equal((await phone('nobody').open().request({ url: '/public/news' })).statusCode, 200)
})

test('WeChat busy for one login: the client waits as told and logs in with a fresh code', onEdge, async () => {
  for (const platform of ['ios', 'android', 'devtools']) {
    const mine = phone(`busy-${platform}`, { platform })
    await control('/wechat/next?busy,busy,busy')
    assert.equal((await mine.open().login()).event, 'new')
    assert.deepEqual(mine.waits, [2000])
    assert.equal(new Set(mine.codes).size, 2)
  }
})

test('limits and blocked users are told with WeChat’s errcode, at once', onEdge, async () => {
  await control('/wechat/next?rate_limited')
  const limited = await failing(phone('limited').open().login())
  assert.deepEqual(
    [limited.error, limited.action, limited.errcode, limited.retryAfter, limited.statusCode],
    ['login_rate_limited', 'retry_after', 45011, 60, 429]
  )
  await control('/wechat/next?high_risk')
  const blocked = await failing(phone('blocked').open().login())
  assert.deepEqual([blocked.error, blocked.action, blocked.errcode], ['user_blocked', 'show_blocked', 40226])
  assert.ok(blocked.rid)
})

test('another account on the phone: its own session, and nothing of the old one is repeated', onEdge, async () => {
  const mine = phone('anna')
  const session = mine.open()
  const anna = (await session.login()).token
  const before = header(await session.request({ url: '/whoami' }), 'x-wx-openid')
  const heard = []
  session.on('switched', () => heard.push('switched'))
  mine.user = 'berta'
  const login = session.ensure()
  const stale = session.request({ url: '/pay', method: 'POST' })
  assert.equal((await login).event, 'switched')
  // Sent before the login, under the old session; or not at all.
  const answer = await stale.catch(error => error)
  assert.ok(answer.error === 'account_switched' || header(answer, 'x-wx-openid') === before)
  assert.deepEqual(heard, ['switched'])
  assert.notEqual(header(await session.request({ url: '/whoami' }), 'x-wx-openid'), before)
  const old = await mine.network({ method: 'GET', url: `${mine.domain}/x`, headers: { 'X-3rd-Session': anna }, body: '' })
  assert.equal(old.status, 401)
})

test('open data: log in, fetch, register; then the profile is known', onEdge, async () => {
  const mine = phone('profile')
  const session = mine.open()
  const fetchData = () => new Promise((success, fail) => mine.wx.getUserInfo({ withCredentials: true, success, fail }))
  assert.equal((await session.register(fetchData)).nickName, '小明🎉👨‍👩‍👧')
  assert.deepEqual(mine.calls.filter(call => call !== 'request'), ['login', 'getUserInfo'])
  assert.equal((await session.login()).registered, true)
  assert.deepEqual(await session.verify(fetchData), { valid: true })
  assert.equal((await session.decrypt(fetchData)).openId.length, 28)
  assert.equal((await session.decrypt(() => mine.wechat.phoneNumber('profile'))).countryCode, '86')
})

test('open data under a key too old: one login, fetched anew, opened', onEdge, async () => {
  const mine = phone('stale')
  const session = mine.open()
  await session.login()
  const other = phone('stale').open()
  let fetched = 0
  const user = await session.decrypt(async () => {
    fetched++
    const data = await mine.wechat.userInfo('stale')
    if (fetched === 1) {
      await other.login()
      await other.login()
    }
    return data
  })
  assert.equal(user.nickName, '小明🎉👨‍👩‍👧')
  assert.deepEqual([fetched, await exchanges(mine)], [2, 2])
})

test('forged data is refused once more after the login, and no more', onEdge, async () => {
  const mine = phone('forged')
  const session = mine.open()
  await session.login()
  const error = await failing(session.verify(async () => ({ ...await mine.wechat.userInfo('forged'), signature: '0'.repeat(40) })))
  assert.deepEqual([error.error, error.statusCode], ['session_key_stale', 422])
  assert.equal(await exchanges(mine), 2)
})

test('logout ends the session at the edge', onEdge, async () => {
  const mine = phone('leaver')
  const session = mine.open()
  const { token } = await session.login()
  assert.deepEqual(await session.logout(), { ended: 1 })
  const answer = await mine.network({ method: 'GET', url: `${mine.domain}/x`, headers: { 'X-3rd-Session': token }, body: '' })
  assert.equal(JSON.parse(answer.body).error, 'invalid_token')
  assert.equal((await failing(session.request({ url: '/x' }))).error, 'no_session')
  assert.equal(await exchanges(mine), 1)
})
