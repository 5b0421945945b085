/* Watching a descriptor from an event loop: functions of the addon. */
#ifndef YOKE_WATCH_H
#define YOKE_WATCH_H

#define NAPI_VERSION 8
#include <node_api.h>

napi_value start_watch(napi_env env, napi_callback_info info);
napi_value set_watch(napi_env env, napi_callback_info info);
napi_value stop_watch(napi_env env, napi_callback_info info);

#endif
