import assert from 'node:assert/strict'
import { test } from 'node:test'
import { app, refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

test('twenty requests at a cold start are twenty answers after one login', async () => {
  const { edge, session } = scene()
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => session.request({ url: `/orders/${n}` })))
  assert.ok(answers.every((answer, n) => answer.data.path === `/orders/${n}` && answer.data.user === 'ming'))
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a request that begins during a login waits for its token', async () => {
  const { edge, session } = scene()
  session.login()
  await session.request({ url: '/orders' })
  assert.deepEqual(edge.seen, ['POST /wx/login', 'GET /orders'])
})

test('a public route needs no login, not even when one has failed', async () => {
  const { edge, session } = scene()
  assert.equal((await session.request({ url: '/public/news' })).statusCode, 200)
  edge.fail('/wx/login', refuse('user_blocked'))
  const login = failing(session.login())
  assert.equal((await session.request({ url: '/public/news' })).statusCode, 200)
  assert.equal((await login).error, 'user_blocked')
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a request that waited for a login that failed fails with its error, without another login', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', refuse('user_blocked'))
  session.login().catch(() => {})
  assert.equal((await failing(session.request({ url: '/orders' }))).error, 'user_blocked')
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('callbacks are called as by wx.request: success for every status of the app, complete after it', async () => {
  const { edge, session } = scene()
  for (const status of [200, 404, 500]) {
    edge.fail('/public/x', app(status, { from: 'the app' }))
    const told = await new Promise(done => {
      const order = []
      session.request({
        url: '/public/x',
        success: answer => order.push(answer),
        fail: () => order.push('fail'),
        complete: answer => done([...order, answer])
      })
    })
    assert.equal(told.length, 2)
    assert.equal(told[0], told[1])
    assert.deepEqual([told[0].statusCode, told[0].data.from, told[0].errMsg], [status, 'the app', 'request:ok'])
  }
})

test('fail gets the error, in the words of wx too, and nobody has to catch the promise', async () => {
  const { edge, session } = scene()
  edge.fail('/public/x', new Error('timeout'))
  const order = []
  await new Promise(done => session.request({
    url: '/public/x',
    fail: error => order.push(error),
    complete: error => done(order.push(error))
  }))
  assert.equal(order[0], order[1])
  assert.equal(order[0].error, 'network')
  assert.match(order[0].errMsg, /request:fail.*timeout/)
})

test('what the app says is the app’s, and what Envoy says Envoy’s: without the edge’s headers nothing is a login', async () => {
  const { edge, session } = scene()
  const likeOurs = JSON.parse(refuse('invalid_token').body)
  edge.fail('/public/x', app(401, likeOurs), app(401, 'plain text'), app(503, '<html>'), app(200, likeOurs))
  for (const status of [401, 401, 503, 200]) {
    assert.equal((await session.request({ url: '/public/x' })).statusCode, status)
  }
  assert.equal(edge.count('POST /wx/login'), 0)
})

test('data, headers and method arrive as with wx.request', async () => {
  const { phone, session } = scene()
  await session.login()
  await session.request({ url: '/search?page=2', data: { q: '咖啡 & tea' } })
  await session.request({ url: '/orders', method: 'POST', data: { n: 1 }, header: { 'x-page': 'cart' }, timeout: 5000 })
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  await session.request({ url: '/orders', method: 'POST', data: { a: 1, b: 'ü' }, header: form })
  const [search, json, formed] = phone.requests.slice(-3)
  assert.equal(search.url, 'https://api.example.com/search?page=2&q=%E5%92%96%E5%95%A1%20%26%20tea')
  assert.deepEqual([json.method, json.body, json.headers['x-page']], ['POST', '{"n":1}', 'cart'])
  assert.equal(formed.body, 'a=1&b=%C3%BC')
  assert.ok([search, json, formed].every(request => request.headers['X-3rd-Session'] === session.header()['X-3rd-Session']))
  assert.deepEqual(form, { 'Content-Type': 'application/x-www-form-urlencoded' })
})

test('the token goes under the name that is configured, the endpoints under their prefix', async () => {
  const { phone, open } = scene()
  const session = open({ header: 'X-WX-Skey', prefix: '/api/wx', baseUrl: 'https://api.example.com/' })
  await failing(session.login())
  assert.equal(phone.requests.at(-1).url, 'https://api.example.com/api/wx/login')
  phone.storage.set('wx-session:https://api.example.com', '"a-token"')
  assert.deepEqual(open({ header: 'X-WX-Skey' }).header(), { 'X-WX-Skey': 'a-token' })
})

test('the token never goes to another host', async () => {
  const { phone, session } = scene()
  await session.login()
  const before = phone.requests.length
  for (const url of ['https://evil.example.org/', 'https://api.example.com.evil.org/', 'orders']) {
    assert.equal((await failing(session.request({ url }))).error, 'foreign_url')
  }
  assert.equal(phone.requests.length, before)
  assert.equal((await session.request({ url: 'https://api.example.com/orders' })).statusCode, 200)
})

test('a session that ends under way costs one login, though many requests notice', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.sessions.clear()
  const answers = await Promise.all([1, 2, 3, 4, 5].map(n => session.request({ url: `/orders/${n}`, method: 'POST' })))
  assert.ok(answers.every(answer => answer.data.user === 'ming'))
  assert.equal(edge.count('POST /wx/login'), 2)
  assert.equal(edge.count('POST /orders/1'), 2)
})

test('a refusal that comes after somebody has logged in costs no second login', async () => {
  const { edge, session } = scene()
  await session.login()
  let answer
  edge.fail('/slow', new Promise(come => { answer = come }))
  const slow = session.request({ url: '/slow' })
  while (!edge.count('GET /slow')) await new Promise(soon => setTimeout(soon))
  await session.login()
  answer(refuse('invalid_token'))
  assert.equal((await slow).data.user, 'ming')
  assert.equal(edge.count('POST /wx/login'), 2)
})

test('stale open data that a page sends by hand is told to it: a login would not help that data', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.fail('/wx/decrypt', refuse('session_key_stale'))
  const error = await failing(session.request({ url: '/wx/decrypt', method: 'POST', data: { encryptedData: '', iv: '' } }))
  assert.deepEqual([error.error, error.action], ['session_key_stale', 'relogin'])
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a session that is refused again after the login is the end of it', async () => {
  const { edge, session } = scene()
  edge.fail('/orders', ...Array(9).fill(refuse('invalid_token')))
  assert.equal((await failing(session.request({ url: '/orders' }))).error, 'invalid_token')
  assert.deepEqual(edge.seen, ['GET /orders', 'POST /wx/login', 'GET /orders'])
})

test('a refusal is read whatever the type of the answer, on every platform', async () => {
  for (const platform of ['android', 'ios', 'devtools']) {
    const { edge, session } = scene({ platform })
    await session.login()
    edge.sessions.clear()
    const file = await session.request({ url: '/file', responseType: 'arraybuffer' })
    assert.equal(JSON.parse(Buffer.from(file.data).toString()).user, 'ming')
    edge.sessions.clear()
    assert.equal(JSON.parse((await session.request({ url: '/text', dataType: 'text' })).data).user, 'ming')
    edge.fail('/busy', refuse('login_rate_limited', { retryAfter: 77 }))
    const { retryAfter, message } = await failing(session.request({ url: '/busy', responseType: 'arraybuffer' }))
    assert.deepEqual([retryAfter, message], [77, '说明'])
  }
})

test('a request waits as it is told, once', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  edge.fail('/orders', refuse('store_unavailable', { retryAfter: 10 }))
  assert.equal((await session.request({ url: '/orders', method: 'POST' })).statusCode, 200)
  assert.deepEqual(phone.waits, [10000])
  edge.seen.length = 0
  edge.fail('/orders', ...Array(9).fill(refuse('store_unavailable')))
  assert.equal((await failing(session.request({ url: '/orders' }))).error, 'store_unavailable')
  assert.deepEqual(edge.seen, ['GET /orders', 'GET /orders'])
})

test('a wait that nobody has timed is none', async () => {
  const { edge, session } = scene()
  const { headers, ...refusal } = refuse('store_unavailable')
  edge.fail('/orders', { ...refusal, headers: headers.filter(([name]) => name !== 'retry-after') })
  assert.equal((await failing(session.request({ url: '/orders' }))).retryAfter, undefined)
  assert.equal(edge.seen.length, 1)
})

test('an app that did not answer is asked again only for what changes nothing', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.fail('/orders', refuse('upstream_unavailable'), refuse('upstream_unavailable'))
  assert.equal((await failing(session.request({ url: '/orders', method: 'POST' }))).error, 'upstream_unavailable')
  assert.equal((await session.request({ url: '/orders' })).statusCode, 200)
  assert.deepEqual(edge.seen, ['POST /wx/login', 'POST /orders', 'GET /orders', 'GET /orders'])
})

test('one wait and one login may come together, but no more of either', async () => {
  const { edge, session } = scene()
  edge.fail('/orders', refuse('store_unavailable'), refuse('no_session'), refuse('store_unavailable'), refuse('no_session'))
  assert.equal((await failing(session.request({ url: '/orders' }))).error, 'store_unavailable')
  assert.deepEqual(edge.seen, ['GET /orders', 'GET /orders', 'POST /wx/login', 'GET /orders'])
})

test('what was begun under one account is not repeated under another', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.user = 'hong'
  edge.fail('/orders', refuse('session_expired'))
  const heard = []
  session.on('switched', login => heard.push(['switched', login.token]))
  session.on('login', login => heard.push(['login', login.token]))
  const error = await failing(session.request({ url: '/orders', method: 'POST' }))
  assert.equal(error.error, 'account_switched')
  assert.equal(edge.count('POST /orders'), 1)
  const token = session.header()['X-3rd-Session']
  assert.deepEqual(heard, [['switched', token], ['login', token]])
  assert.equal((await session.request({ url: '/orders' })).data.user, 'hong')
  assert.equal(edge.sessions.size, 1)
})

test('a request that waits for the login of another account is not sent under it', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.user = 'hong'
  session.login()
  assert.equal((await failing(session.request({ url: '/orders', method: 'POST' }))).error, 'account_switched')
  assert.equal(edge.count('POST /orders'), 0)
})
