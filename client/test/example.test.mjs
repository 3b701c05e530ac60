// examples/miniprogram as it stands there, on a phone, against a real edge.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launch } from './fake/mini-program.mjs'
import { base, control, exchanges, onEdge, phone } from './fake/real-edge.mjs'

const folder = fileURLToPath(new URL('../../examples/miniprogram/', import.meta.url))

afterEach(() => onEdge.skip || control('/wechat/up'))

function start(phone) {
  const started = launch(folder, phone, { 'config.js': { baseUrl: base } })
  return started.open(started.pages[0])
}

test('the example finds the client as “build npm” does', () => {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))
  assert.deepEqual(dependencies, { 'wx-session': 'file:../../client' })
  const { miniprogramRoot, setting } = JSON.parse(readFileSync(`${folder}project.config.json`, 'utf8'))
  assert.deepEqual([miniprogramRoot, setting.packNpmManually], ['./', false])
  // Without it, its `import` does not run.
  assert.equal(setting.es6, true)
  assert.match(readFileSync(`${folder}.npmrc`, 'utf8'), /^install-links=true$/m)
})

test('every button of the example does what it says', onEdge, async () => {
  const mine = phone('example')
  const page = start(mine)
  await page.loaded
  assert.deepEqual(page.data, { state: '已登录', user: '', phone: '', answer: '', problem: '' })
  await page.tap('我的订单')
  assert.equal(JSON.parse(page.data.answer).path, '/orders')
  await page.tap('计数（云托管写法）')
  assert.equal(JSON.parse(page.data.answer).path, '/api/count')
  await page.tap('保存资料')
  assert.equal(page.data.user, '小明🎉👨‍👩‍👧')
  await page.tap('手机号', { errMsg: 'getPhoneNumber:ok', ...await mine.wechat.phoneNumber('example') })
  assert.match(page.data.phone, /^1\d{10}$/)
  assert.equal(await exchanges(mine), 1)
  await page.tap('退出登录')
  assert.deepEqual(page.data, { state: '未登录', user: '', phone: '', answer: '', problem: '' })
  await page.tap('我的订单')
  assert.deepEqual([page.data.answer, page.data.problem], ['', '请再试一次'])
  await page.tap('登录')
  assert.equal(page.data.state, '已登录')
  assert.deepEqual(page.buttons, ['登录', '保存资料', '手机号', '我的订单', '计数（云托管写法）', '退出登录'])
})

test('a user who keeps the phone number is shown what WeChat says', onEdge, async () => {
  const page = start(phone('private'))
  await page.loaded
  await page.tap('手机号', { errMsg: 'getPhoneNumber:fail user deny' })
  assert.equal(page.data.problem, 'getPhoneNumber:fail user deny')
})

test('a code of the button that was used asks for another tap, which works', onEdge, async () => {
  const mine = phone('second-tap')
  const page = start(mine)
  await page.loaded
  const used = await mine.wechat.phoneNumber('second-tap')
  await page.tap('手机号', { errMsg: 'getPhoneNumber:ok', ...used })
  assert.match(page.data.phone, /^1\d{10}$/)
  await page.tap('手机号', { errMsg: 'getPhoneNumber:ok', ...used })
  assert.equal(page.data.problem, '无效的手机号code，请重新点击按钮（40029）')
  await page.tap('手机号', { errMsg: 'getPhoneNumber:ok', ...await mine.wechat.phoneNumber('second-tap') })
  assert.deepEqual([page.data.phone.length, page.data.problem], [11, ''])
})

test('the example says what a failed login means, and recovers', onEdge, async () => {
  await control('/wechat/next?high_risk')
  const page = start(phone('risky'))
  await page.loaded
  assert.deepEqual([page.data.state, page.data.problem], ['未登录', '该账号暂时无法登录（40226）'])
  await page.tap('登录')
  assert.deepEqual([page.data.state, page.data.problem], ['已登录', ''])
})

test('another account relaunches the example', onEdge, async () => {
  const mine = phone('carla')
  await start(mine).loaded
  mine.user = 'dora'
  await start(mine).loaded
  assert.equal(mine.calls.filter(call => call === 'reLaunch').length, 1)
})
