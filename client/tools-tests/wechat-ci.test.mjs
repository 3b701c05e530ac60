// The example, its npm built and its code compiled by WeChat's own tool, as the developer tools do both.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launch } from '../test/fake/mini-program.mjs'
import { scene } from '../test/fake/scene.mjs'
import { here, project } from './project.mjs'

const folder = project('wechat-ci', join(here, '../../examples/miniprogram'))
execFileSync(process.execPath, [join(here, 'wechat-ci.mjs'), folder], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 })
const compiled = join(folder, 'compiled')

test('WeChat’s npm builder takes the package as one for mini programs, and copies its folder', () => {
  const npm = JSON.parse(readFileSync(join(folder, 'npm.json'), 'utf8'))
  assert.deepEqual(npm, { miniProgramPackNum: 1, otherNpmPackNum: 0, warnList: [] })
  const made = join(folder, 'miniprogram_npm/wx-session')
  const own = join(here, '../miniprogram_dist')
  assert.deepEqual(readdirSync(made).sort(), readdirSync(own).sort())
  for (const name of readdirSync(made)) assert.equal(readFileSync(join(made, name), 'utf8'), readFileSync(join(own, name), 'utf8'))
})

test('what goes to the phone is ES5, and no types', () => {
  const files = readdirSync(compiled, { recursive: true })
  assert.ok(files.includes('miniprogram_npm/wx-session/index.js'))
  assert.deepEqual(files.filter(path => path.endsWith('.d.ts') || path.startsWith('node_modules')), [])
  for (const path of ['app.js', 'pages/index/index.js', 'miniprogram_npm/wx-session/index.js']) {
    assert.doesNotMatch(readFileSync(join(compiled, path), 'utf8'), /^import |^export |=>/m, path)
  }
})

test('the example runs as WeChat’s compiler makes it', async () => {
  const { edge, phone } = scene()
  const started = launch(compiled, phone, { 'config.js': { baseUrl: edge.base } })
  const page = started.open(started.pages[0])
  await page.loaded
  assert.equal(page.data.state, '已登录')
  await page.tap('我的订单')
  assert.deepEqual(JSON.parse(page.data.answer), { path: '/orders', user: 'ming' })
  await page.tap('计数（云托管写法）')
  assert.deepEqual(JSON.parse(page.data.answer), { path: '/api/count', user: 'ming' })
  await page.tap('退出登录')
  await page.tap('我的订单')
  assert.equal(page.data.problem, '请再试一次')
})
