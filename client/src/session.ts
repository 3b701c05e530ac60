/*
 * The shapes that pages see. Never holds code.
 */
import { ContainerAnswer, ContainerOptions } from './container.js'
import { PhoneNumber, User } from './open-data.js'
import { ButtonDetail } from './phone.js'
import { Runtime } from './runtime.js'
import { Answer, RequestOptions, Send } from './wx.js'

export interface SessionOptions {
  /** Where wx-session is, such as `https://api.example.com`: a request domain of the mini program. */
  baseUrl: string
  /** The header that carries the token: one of the edge's `session.headers`. Default: `X-3rd-Session`. */
  header?: string
  /** The edge's `endpoints.prefix`. Default: `/wx`. */
  prefix?: string
  /**
   * How the endpoints get their parameters: in a body, or in headers, for an Envoy without
   * `allow_on_headers_stop_iteration`. Default: `body`, until the edge answers `body_timeout`; from then on `headers`.
   */
  parameters?: 'body' | 'headers'
  /** The app's id, sent with the login: where the edge serves several apps, such as the editions for several platforms. */
  appid?: string
  /** The runtime, such as `uni` or `Taro`. Default: the one that is there, of `qq`, `tt`, `ks` and `wx`. */
  api?: Runtime
  /** What the runtime's `login` takes, looked at anew for each login, such as `{ force: false }` on Douyin. */
  loginOptions?: { [option: string]: any }
  /** Logs in through your app, at a route with `login` in the edge's configuration, instead of at `/wx/login`. */
  login?: LoginThroughApp
}

/**
 * Gives your app the fresh `code`, in the app's own way and with this `send`, which sends the old token along and fails
 * with the edge's refusals. Gives the token that the app answers with.
 */
export type LoginThroughApp = (code: string, send: Send) => AppLogin | PromiseLike<AppLogin>

/** Of a login what the app has told: without `event` it is `returning`, without `registered` the user is known. */
export type AppLogin = { token: string } & Partial<Login>

/** The answer to a login. */
export interface Login {
  token: string
  /** Seconds without use after which the session ends; 0 if an app did not say. */
  expiresIn: number
  /** Whether the profile is known; if not, send it once with `register`. */
  registered: boolean
  /** `switched`: another account than before on this phone. */
  event: 'new' | 'returning' | 'switched'
  /** The profile, if registered. */
  user?: User
  /** Why open data sent with the login was of no use: `session_key_stale`, `no_profile` or `invalid_parameter`. */
  openData?: string
}

/** As `wx.getUserInfo`, `getPhoneNumber` and the like give it; other fields are not sent. */
export interface OpenData {
  encryptedData?: string
  iv?: string
  rawData?: string
  signature?: string
}

/** Fetches the data from the platform. Called anew after a login, because what was fetched before will not open. */
export type FetchOpenData = () => OpenData | PromiseLike<OpenData>

export interface Events {
  /** After every login. */
  login: Login
  /** After `logout`. */
  logout: undefined
  /** Before `login`, if it is another account: drop what you know of the one before. */
  switched: Login
}

export interface Session {
  /** Logs in. However many call it at once, there is one login. */
  login(): Promise<Login>
  /** Logs in if there is no session, or the platform's or the edge's has ended; `null`: it goes on. */
  ensure(): Promise<Login | null>
  /**
   * `wx.request` with the session: logs in once if the edge asks for it, waits once if the edge says how long.
   * Gives every answer of the app, whatever its status; fails with a `SessionError`.
   */
  request<T = any>(options: RequestOptions<T>): Promise<Answer<T>>
  /**
   * `request` in the shape of `wx.cloud.callContainer` of WeChat Cloud Run, for mini programs that come from there.
   * Needs no `this`: pass it around as you like.
   */
  callContainer<T = any>(options: ContainerOptions<T>): Promise<ContainerAnswer<T>>
  /**
   * Ends the session here at once, whether or not the edge can be reached; no request logs in by itself until you do.
   * Gives how many sessions the edge has ended. That of a login under way is not among them: nobody waits for it, it ends when it is there.
   */
  logout(options?: { everywhere?: boolean }): Promise<{ ended: number }>
  /** Sends the profile; gives the user as the edge keeps it. */
  register(fetchData: FetchOpenData): Promise<User>
  /** Gives what `encryptedData` holds: say which, such as `decrypt<PhoneNumber>(…)`. */
  decrypt<T = any>(fetchData: FetchOpenData): Promise<T>
  /**
   * Gives the phone number for `e.detail` of `<button open-type="getPhoneNumber">`, or `getRealtimePhoneNumber`; with `keep`,
   * the edge keeps it in the user's profile. A code is good once: if this fails, the user taps again.
   */
  phone(detail: ButtonDetail, options?: { keep?: boolean }): Promise<PhoneNumber>
  /** Has the signature of `rawData` checked. */
  verify(fetchData: FetchOpenData): Promise<{ valid: boolean }>
  /** The header with the token, for `wx.uploadFile` and the like; empty without a session. */
  header(): { [name: string]: string }
  /** Gives a function that ends it. */
  on<E extends keyof Events>(event: E, listener: (about: Events[E]) => void): () => void
}
