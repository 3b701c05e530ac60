// What the developer tools do with a mini program, by WeChat's own tool: builds its npm, and compiles it into `compiled`.
// `node wechat-ci.mjs FOLDER`. A program of its own, because the tool leaves a process behind that ends only with it.
// Never uploads, and never asks WeChat: what it would ask about the mini program is answered here.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ci from 'miniprogram-ci'

const [folder] = process.argv.slice(2)
// A place where nobody listens: it would ask which kinds of files it may send, and does without.
ci.proxy('http://127.0.0.1:9')

const npm = await ci.packNpmManually({ packageJsonPath: join(folder, 'package.json'), miniprogramNpmDistDir: folder })
writeFileSync(join(folder, 'npm.json'), JSON.stringify(npm))

const project = new ci.Project({
  appid: 'wx0123456789abcdef', type: 'miniProgram', projectPath: folder, privateKey: 'none', ignores: ['node_modules/**/*']
})
project.attr = async () => ({ appType: 0, setting: { MaxCodeSize: 2 } })
const files = await ci.getCompiledResult({ project, version: '1', desc: '', setting: { es6: true } })
for (const [path, content] of Object.entries(files)) {
  const file = join(folder, 'compiled', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
process.exit()
