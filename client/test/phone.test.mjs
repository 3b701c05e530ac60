import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, handOver, hold, scene, soon } from './fake/scene.mjs'

test('the code of the button gives the number, with the login first if nobody has logged in', async () => {
  const { edge, phone, session } = scene()
  const code = await edge.wechat.phoneCode('ming')
  assert.deepEqual(await session.phone({ code, encryptedData: 'x', iv: 'y' }), { phoneNumber: '1', keep: false })
  assert.deepEqual(phone.calls, ['login', 'request', 'request'])
  const kept = await session.phone({ code: await edge.wechat.phoneCode('ming') }, { keep: true })
  assert.deepEqual(kept, { phoneNumber: '1', keep: true })
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a session that has ended is renewed, and the same code sent once more: nobody has looked at it', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.sessions.clear()
  assert.equal((await session.phone({ code: await edge.wechat.phoneCode('ming') })).phoneNumber, '1')
  assert.equal(edge.count('POST /wx/phone'), 2)
})

test('a code that is no good is sent once, and the error says which it is', async () => {
  const { edge, session } = scene()
  await session.login()
  const code = await edge.wechat.phoneCode('ming')
  await session.phone({ code })
  const error = await failing(session.phone({ code }))
  assert.deepEqual([error.error, error.action, error.errcode], ['invalid_phone_code', 'none', 40029])
  assert.equal(edge.count('POST /wx/phone'), 2)
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a user who declines is told in the words of WeChat, and nobody is asked', async () => {
  const { edge, session } = scene()
  const error = await failing(session.phone({ errMsg: 'getPhoneNumber:fail user deny' }))
  assert.deepEqual([error.error, error.message], ['no_phone_code', 'getPhoneNumber:fail user deny'])
  assert.deepEqual(edge.seen, [])
})

test('an edge that reads no bodies gets the code in headers', async () => {
  const { edge, session } = scene()
  edge.readsBodies = false
  const code = await edge.wechat.phoneCode('ming')
  assert.equal((await session.phone({ code }, { keep: true })).keep, true)
  assert.equal(edge.count('GET /wx/phone'), 1)
})

test('a code that WeChat may have seen is not sent again; one that it has not seen is', async () => {
  for (const [error, keep, sent] of [
    ['wechat_unavailable', false, 1],
    ['store_unavailable', true, 1],
    ['store_unavailable', false, 2],
    ['overloaded', true, 2]
  ]) {
    const { edge, session } = scene()
    await session.login()
    edge.fail('/wx/phone', refuse(error))
    const number = session.phone({ code: await edge.wechat.phoneCode('ming') }, { keep })
    if (sent === 1) assert.equal((await failing(number)).error, error)
    else assert.equal((await number).phoneNumber, '1')
    assert.equal(edge.count('POST /wx/phone'), sent, error)
  }
})

test('a code that waits at the logout, or is refused for the session after it, is not sent under the next account', async () => {
  for (const refused of ['overloaded', 'invalid_token', 'body_timeout']) {
    const { edge, phone, open } = scene()
    const over = hold(phone)
    const session = open()
    await session.login()
    let answer
    edge.fail('/wx/phone', new Promise(come => { answer = come }))
    const number = failing(session.phone({ code: await edge.wechat.phoneCode('ming') }, { keep: true }))
    while (!edge.count('POST /wx/phone')) await soon()
    if (refused === 'overloaded') answer(refuse(refused))
    while (refused === 'overloaded' && !phone.waits.length) await soon()
    await handOver(phone, session)
    answer(refuse(refused))
    over()
    assert.equal((await number).error, 'account_switched', refused)
    assert.equal(edge.seen.filter(call => call.endsWith('/phone')).length, 1, refused)
    assert.equal(edge.count('POST /wx/login'), 2)
  }
})

test('a code is not sent again after a login that turns out to be another account’s', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  const code = await edge.wechat.phoneCode('ming')
  edge.fail('/wx/phone', refuse('invalid_token'))
  phone.user = 'hong'
  assert.equal((await failing(session.phone({ code }))).error, 'account_switched')
  assert.equal(edge.count('POST /wx/phone'), 1)
})

test('who logs out as soon as the login is there sends no code under the next account', async () => {
  const { edge, phone, session } = scene()
  session.login().then(() => handOver(phone, session))
  assert.equal((await failing(session.phone({ code: await edge.wechat.phoneCode('ming') }))).error, 'account_switched')
  assert.equal(edge.count('POST /wx/phone'), 0)
})

test('a code that is refused after a logout does not wait for the next login', async () => {
  const { edge, session } = scene()
  await session.login()
  let answer
  edge.fail('/wx/phone', new Promise(come => { answer = come }))
  const number = failing(session.phone({ code: await edge.wechat.phoneCode('ming') }))
  while (!edge.count('POST /wx/phone')) await soon()
  session.logout()
  edge.fail('/wx/login', new Promise(() => {}))
  session.login()
  answer(refuse('invalid_token'))
  assert.equal((await number).error, 'account_switched')
})
