// The example, its npm built by WeChat's own tool, as 工具 → 构建 npm does it in the developer tools.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import ci from 'miniprogram-ci'
import { modules } from '../test/fake/modules.mjs'
import { scene } from '../test/fake/scene.mjs'
import { here, project } from './project.mjs'

test('WeChat’s npm builder takes the package as one for mini programs, and what it made of it logs in', async () => {
  const folder = project('wechat-npm', join(here, '../../examples/miniprogram'))
  const built = await ci.packNpmManually({ packageJsonPath: join(folder, 'package.json'), miniprogramNpmDistDir: folder })
  assert.deepEqual(built, { miniProgramPackNum: 1, otherNpmPackNum: 0, warnList: [] })
  const made = join(folder, 'miniprogram_npm/wx-session')
  const own = name => readFileSync(join(here, '../miniprogram_dist', name), 'utf8')
  const files = readdirSync(made).sort()
  assert.deepEqual(files, readdirSync(join(here, '../miniprogram_dist')).sort())
  for (const name of files) assert.equal(readFileSync(join(made, name), 'utf8'), own(name), name)
  const { edge, phone } = scene()
  const { createSession } = modules(made, phone.globals)('index.js')
  const session = createSession({ baseUrl: edge.base })
  assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
})
