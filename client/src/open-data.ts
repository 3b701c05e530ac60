/*
 * What open data holds once it is opened, and the user as the edge keeps it. Field names are WeChat's own.
 * Never holds code.
 */

/** In everything that WeChat encrypts: for whom, and when (Unix seconds). */
export interface Watermark {
  appid: string
  timestamp: number
}

/** Of `<button open-type="getPhoneNumber">`. WeChat's page: 手机号快速验证组件. */
export interface PhoneNumber {
  /** With the country's code if it is not China's. */
  phoneNumber: string
  /** Without the country's code. */
  purePhoneNumber: string
  /** WeChat writes it as either. */
  countryCode: string | number
  watermark: Watermark
}

/** Of `wx.getWeRunData`. WeChat's page: wx.getWeRunData(Object object). */
export interface WeRunData {
  /** A day each, of the last month. `timestamp` in Unix seconds. */
  stepInfoList: Array<{ timestamp: number; step: number }>
  watermark: Watermark
}

/** Of `wx.getShareInfo`. WeChat's page: wx.getShareInfo(Object object). */
export interface ShareInfo {
  openGId: string
  watermark: Watermark
}

/** Of `wx.getGroupEnterInfo` and `wx.getChatToolInfo`. WeChat's page: wx.getGroupEnterInfo(Object object). */
export interface GroupEnterInfo {
  /** Of a chat of many. */
  opengid?: string
  /** Of a chat of two. */
  open_single_roomid?: string
  /** The user in this chat. */
  group_openid?: string
  chat_type?: number
  watermark: Watermark
}

/** Of `wx.getUserInfo` and `wx.getUserProfile`. WeChat's pages: wx.getUserInfo(Object object), UserInfo. */
export interface UserProfile {
  openId?: string
  unionId?: string
  /** `微信用户` for everybody since 2022. */
  nickName: string
  avatarUrl: string
  /** 0: not known, 1: male, 2: female. */
  gender: 0 | 1 | 2
  language?: string
  country: string
  province: string
  city: string
  /** WeChat's mark of a profile that says nothing about the user. */
  is_demote?: boolean
  watermark: Watermark
}

/** The user as the edge keeps it: no ids, and of the profile what has been sent. See `GET /wx/user` of wx-session. */
export interface User {
  registered: boolean
  /** Of the first login, in Unix seconds. */
  createdAt: number
  nickName?: string
  avatarUrl?: string
  gender?: 0 | 1 | 2
  language?: string
  country?: string
  province?: string
  city?: string
  phoneNumber?: string
  purePhoneNumber?: string
  countryCode?: string
}
