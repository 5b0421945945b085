/*
 * Arguments and results of the addon's functions: everything that comes from JavaScript is checked
 * here, once. A get_ function is false when the argument is missing or of another type.
 */
#ifndef YOKE_CALL_H
#define YOKE_CALL_H

#define NAPI_VERSION 8
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include <node_api.h>

#define ARGUMENT_LIMIT 5

/* Arguments of one call. Missing ones are `undefined`, as in JavaScript. */
struct call {
	napi_env env;
	size_t count;
	napi_value value[ARGUMENT_LIMIT];
};

static inline struct call arguments(napi_env env, napi_callback_info info)
{
	struct call call = {.env = env, .count = ARGUMENT_LIMIT};
	if (napi_get_cb_info(env, info, &call.count, call.value, NULL, NULL) != napi_ok) call.count = 0;
	return call;
}

static inline napi_value number(napi_env env, double value)
{
	napi_value result = NULL;
	napi_create_double(env, value, &result);
	return result;
}

/* What a system call returned, or -errno. */
static inline napi_value outcome(napi_env env, long result)
{
	return number(env, result < 0 ? -errno : result);
}

static inline napi_value invalid(napi_env env)
{
	return number(env, -EINVAL);
}

static inline bool get_int(const struct call *call, size_t index, int *out)
{
	return index < call->count &&
	       napi_get_value_int32(call->env, call->value[index], out) == napi_ok;
}

static inline bool get_double(const struct call *call, size_t index, double *out)
{
	return index < call->count &&
	       napi_get_value_double(call->env, call->value[index], out) == napi_ok &&
	       isfinite(*out);
}

struct bytes {
	uint8_t *data;
	size_t length; /* in bytes */
};

/* The memory behind a Uint8Array or Int32Array; false for anything else. */
static inline bool get_array(const struct call *call, size_t index, napi_typedarray_type wanted,
			     struct bytes *out)
{
	napi_typedarray_type type;
	size_t length;
	void *data = NULL;
	bool is_array = false;
	if (index >= call->count) return false;
	napi_env env = call->env;
	napi_value value = call->value[index];
	if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) return false;
	if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok)
		return false;
	if (type != wanted) return false;
	out->data = data;
	out->length = wanted == napi_int32_array ? length * sizeof(int32_t) : length;
	return out->data != NULL || out->length == 0;
}

static inline bool get_bytes(const struct call *call, size_t index, struct bytes *out)
{
	return get_array(call, index, napi_uint8_array, out);
}

static inline bool get_ints(const struct call *call, size_t index, struct bytes *out)
{
	return get_array(call, index, napi_int32_array, out);
}

static inline napi_value own(napi_env env, void *data, napi_finalize finalize,
			     const napi_type_tag *tag)
{
	napi_value result = NULL;
	if (napi_create_external(env, data, finalize, NULL, &result) != napi_ok) {
		finalize(env, data, NULL);
		return invalid(env);
	}
	if (napi_type_tag_object(env, result, tag) != napi_ok) return invalid(env);
	return result;
}

/* The structure behind an external of the given kind, or NULL. */
static inline void *get_owned(const struct call *call, size_t index, const napi_type_tag *tag)
{
	bool matches = false;
	void *data = NULL;
	if (index >= call->count) return NULL;
	napi_value value = call->value[index];
	if (napi_check_object_type_tag(call->env, value, tag, &matches) != napi_ok || !matches)
		return NULL;
	return napi_get_value_external(call->env, value, &data) == napi_ok ? data : NULL;
}

#endif
