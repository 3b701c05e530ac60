/*
 * The shapes that pages see. Never holds code.
 */
import { ContainerAnswer, ContainerOptions } from './container.js'
import { User } from './open-data.js'
import { Answer, RequestOptions } from './wx.js'

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
}

/** The answer to a login. */
export interface Login {
  token: string
  /** Seconds without use after which the session ends. */
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

/** Fetches the data from WeChat. Called anew after a login, because what was fetched before will not open. */
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
  /** Logs in if there is no session, or WeChat's or the edge's has ended; `null`: it goes on. */
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
  /** Ends the session here, whether or not the edge can be reached; no request logs in by itself until you do. */
  logout(options?: { everywhere?: boolean }): Promise<{ ended: number }>
  /** Sends the profile; gives the user as the edge keeps it. */
  register(fetchData: FetchOpenData): Promise<User>
  /** Gives what `encryptedData` holds: say which, such as `decrypt<PhoneNumber>(…)`. */
  decrypt<T = any>(fetchData: FetchOpenData): Promise<T>
  /** Has the signature of `rawData` checked. */
  verify(fetchData: FetchOpenData): Promise<{ valid: boolean }>
  /** The header with the token, for `wx.uploadFile` and the like; empty without a session. */
  header(): { [name: string]: string }
  /** Gives a function that ends it. */
  on<E extends keyof Events>(event: E, listener: (about: Events[E]) => void): () => void
}
