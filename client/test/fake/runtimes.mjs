// How the runtimes of the platforms differ, as far as their documents say it; what they leave open is said here. Where
// one may be either way, it is the way that is harder for who runs in it.
// WeChat: developers.weixin.qq.com/miniprogram/dev/api/open-api/login/wx.login.html
// QQ: q.qq.com/wiki/develop/miniprogram/API/open_port/port_login.html
// Douyin: developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/api/open-interface/log-in/tt-login
// Kuaishou: open.kuaishou.com/docs/develop/api-next/open/user-info/ks.getUserInfo.html, its mini games' ks.login

// Has what makes a runtime, and is none that works.
const BROKEN = Object.fromEntries(['request', 'login', 'checkSession', 'getStorageSync', 'setStorageSync', 'removeStorageSync']
  .map(api => [api, () => { throw new Error(`wx.${api} is not this platform’s`) }]))

export const RUNTIMES = {
  wx: {
    appid: 'wx0123456789abcdef',
    globals: wx => ({ wx }),
    referer: appid => `https://servicewechat.com/${appid}/devtools/page-frame.html`,
    login: async (phone, options, fresh) => ({ code: await fresh() }),
    failure: (name, problem) => ({ errMsg: `${name}:${problem}` })
  },
  qq: {
    appid: '1108292182',
    // uni-app's own code for QQ calls both.
    globals: qq => ({ qq, wx: qq }),
    referer: appid => `https://appservice.qq.com/${appid}/devtools/page-frame.html`,
    login: async (phone, options, fresh) => ({ code: await fresh() }),
    failure: (name, problem) => ({ errMsg: `${name}:${problem}` })
  },
  tt: {
    appid: 'tt0123456789abcdef01',
    // Whether there is a `wx` too is not documented.
    globals: tt => ({ tt, wx: BROKEN }),
    referer: appid => `https://tmaservice.developer.toutiao.com?appid=${appid}&version=1.0.0`,
    // Who has not logged in to Douyin is asked to, unless the mini program forbids it: then there is no code.
    login: async (phone, { force = true }, fresh) => {
      if (typeof force !== 'boolean') throw 'fail parameter error: force'
      if (!phone.loggedIn && force) {
        phone.asked++
        if (phone.declines) throw 'fail host login fail'
        phone.loggedIn = true
      }
      const known = { anonymousCode: 'anonymous', isLogin: phone.loggedIn }
      return phone.loggedIn ? { code: await fresh(), ...known } : known
    },
    failure: (name, problem) => ({ errMsg: `${name}:${problem}`, errNo: 10402 })
  },
  ks: {
    appid: 'ks700000000000000001',
    // Nor is it here.
    globals: ks => ({ ks, wx: ks }),
    // Not documented.
    referer: () => undefined,
    login: async (phone, options, fresh) => ({ code: await fresh() }),
    // Of mini games; what mini programs get is not documented.
    failure: (name, problem) => ({ code: -1, msg: String(problem) })
  }
}

// `uni` of uni-app in a mini program: callbacks go to the runtime; without one there is a promise.
export function uni(runtime) {
  return wrapped(runtime, (api, options = {}) => {
    if (options.success || options.fail || options.complete) return runtime[api](options)
    return new Promise((success, fail) => runtime[api]({ ...options, success, fail }))
  })
}

// `Taro`: there is always a promise, beside the callbacks, and it fails too.
export function taro(runtime) {
  return wrapped(runtime, (api, options = {}) => {
    let task
    const made = new Promise((success, fail) => {
      task = runtime[api]({
        ...options,
        success: result => { options.success?.(result); success(result) },
        fail: problem => { options.fail?.(problem); fail(problem) }
      })
    })
    return Object.assign(made, { abort: () => task?.abort() })
  })
}

function wrapped(runtime, call) {
  const apis = Object.keys(runtime)
  return Object.fromEntries(apis.map(api => [api, api.endsWith('Sync') ? runtime[api] : options => call(api, options)]))
}
