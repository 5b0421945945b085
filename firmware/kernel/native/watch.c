/*
 * Watching a descriptor from an event loop: libuv's uv_poll for processes that have one (the
 * election thread has none and blocks in poll). Closes itself when the environment ends, so that a
 * worker thread can be terminated at any time.
 */
#include "watch.h"

#include <stdlib.h>

#include <uv.h>

#include "call.h"

/* A uv_poll handle. Freed when libuv has let go of it and JavaScript too. */
struct watch {
	uv_poll_t handle;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	int events;
	bool closing, closed, forgotten;
};

static const napi_type_tag WATCH_TAG = {0x796f6b6557415443, 0x8f1c2a6d5be34c03};

static void watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;
	if (watch->hook != NULL) napi_remove_async_cleanup_hook(watch->hook);
	watch->closed = true;
	if (watch->forgotten) free(watch);
}

static void close_watch(struct watch *watch)
{
	if (watch->closing) return;
	watch->closing = true;
	uv_poll_stop(&watch->handle);
	if (watch->callback != NULL) napi_delete_reference(watch->env, watch->callback);
	if (watch->context != NULL) napi_async_destroy(watch->env, watch->context);
	uv_close((uv_handle_t *)&watch->handle, watch_closed);
}

static void forget_watch(napi_env env, void *data, void *hint)
{
	struct watch *watch = data;
	(void)env, (void)hint;
	watch->forgotten = true;
	if (watch->closed) free(watch);
	else close_watch(watch);
}

/* The environment ends (a worker is terminated): libuv must let go before it does. */
static void watch_cleanup(napi_async_cleanup_hook_handle hook, void *data)
{
	(void)hook;
	close_watch(data);
}

static void watch_ready(uv_poll_t *handle, int status, int events)
{
	struct watch *watch = handle->data;
	napi_env env = watch->env;
	napi_handle_scope scope;
	napi_value callback, global, argument, error;
	napi_status called;
	if (napi_open_handle_scope(env, &scope) != napi_ok) return;
	napi_get_reference_value(env, watch->callback, &callback);
	napi_get_global(env, &global);
	argument = number(env, status < 0 ? status : events);
	called = napi_make_callback(env, watch->context, global, callback, 1, &argument, NULL);
	if (called == napi_pending_exception) {
		napi_get_and_clear_last_exception(env, &error);
		napi_fatal_exception(env, error);
	}
	/* libuv stops a handle for good on EPOLLERR, which a netlink overrun raises: arm it again. */
	if (status < 0 && !watch->closing && watch->events != 0)
		uv_poll_start(handle, watch->events, watch_ready);
	napi_close_handle_scope(env, scope);
}

static napi_value start_failed(napi_env env, struct watch *watch, int error)
{
	if (watch->callback != NULL) napi_delete_reference(env, watch->callback);
	if (watch->context != NULL) napi_async_destroy(env, watch->context);
	free(watch);
	return number(env, error);
}

/* watch(fd, events, callback): calls back with the events, or with a negative errno */
napi_value start_watch(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	napi_valuetype type;
	napi_value name;
	uv_loop_t *loop;
	int fd, events;
	if (!get_int(&call, 0, &fd) || !get_int(&call, 1, &events) || call.count < 3)
		return invalid(env);
	if (napi_typeof(env, call.value[2], &type) != napi_ok || type != napi_function)
		return invalid(env);
	if (napi_get_uv_event_loop(env, &loop) != napi_ok) return invalid(env);
	struct watch *watch = calloc(1, sizeof *watch);
	if (watch == NULL) return number(env, -ENOMEM);
	watch->env = env;
	watch->events = events;
	watch->handle.data = watch;
	napi_create_string_utf8(env, "yoke", NAPI_AUTO_LENGTH, &name);
	if (napi_async_init(env, NULL, name, &watch->context) != napi_ok ||
	    napi_create_reference(env, call.value[2], 1, &watch->callback) != napi_ok)
		return start_failed(env, watch, -ENOMEM);
	int failure = uv_poll_init(loop, &watch->handle, fd);
	if (failure != 0) return start_failed(env, watch, failure);
	napi_add_async_cleanup_hook(env, watch_cleanup, watch, &watch->hook);
	if (events != 0) uv_poll_start(&watch->handle, events, watch_ready);
	return own(env, watch, forget_watch, &WATCH_TAG);
}

/* setWatch(watch, events): 0 pauses it */
napi_value set_watch(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct watch *watch = get_owned(&call, 0, &WATCH_TAG);
	int events;
	if (watch == NULL || watch->closing || !get_int(&call, 1, &events)) return invalid(env);
	watch->events = events;
	return number(env, events != 0 ? uv_poll_start(&watch->handle, events, watch_ready)
				       : uv_poll_stop(&watch->handle));
}

napi_value stop_watch(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct watch *watch = get_owned(&call, 0, &WATCH_TAG);
	if (watch == NULL) return invalid(env);
	close_watch(watch);
	return number(env, 0);
}
