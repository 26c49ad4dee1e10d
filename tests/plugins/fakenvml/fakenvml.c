/* A stand-in for libnvidia-ml.so.1, so that the real bindings load a real library where there is no GPU.
 *
 * Its values move every second. What it plays is read from `fakenvml.conf` beside the library, again whenever that
 * file changes, so that a GPU can break while something looks at it. One `key = value` a line:
 *
 *   gpus = 8                 how many there are
 *   pids = 12,34             the processes: the first on GPU 0 and so on round; each computes, every third one draws too
 *   fault = 3                this GPU: uncorrected ECC errors, a row to remap, HW slowdown, PCIe x8, NVLink 5 down with
 *                            CRC errors, XID 79 told as an event, recovery action "reset"
 *   lost = 5                 this GPU: every call says that it is lost
 *   xids = 2:31,2:31         events told once each, in order, to whoever waits for events
 *   mig = 7                  this GPU has MIG on, with two instances
 *   delay_us = 200           every call takes so long
 *   hang = 1                 every call hangs, for hang_seconds (45) or until this line is gone
 *   hang_file = /a/path      every call hangs while that file is there
 *   hang_after = 2           every call hangs from so many seconds after the library was loaded
 *   unsupported = FanSpeed,82    these calls (without nvmlDeviceGet) and fields are not supported
 *   blank = 82,143           these fields hold one of the huge numbers that mean "not there"
 *   old_driver = 1           lacks what newer drivers have
 *   init = 9                 nvmlInit fails with this code
 *   count = /a/path          the name of every call is appended to this file, with its GPU
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_GPUS 64
#define MOST_PIDS 256
#define LINKS 18
#define GIB (1024ULL * 1024 * 1024)
#define EXPORT __attribute__((visibility("default")))

enum { OK, UNINITIALIZED, INVALID, UNSUPPORTED, DENIED, ALREADY, NOT_FOUND, TOO_SMALL, NO_DRIVER = 9, TIMED_OUT = 10,
       NO_FUNCTION = 13, LOST = 15, NO_DATA = 21 };

typedef struct { int gpu; int instance; } Device; /* instance 0: the whole GPU */
typedef unsigned int u32;
typedef unsigned long long u64;

static struct {
    int gpus, fault, lost, mig, hang, old_driver, init, pids[MOST_PIDS], pid_count, xids[64][2], xid_count;
    long delay_us;
    double hang_seconds, hang_after;
    char unsupported[1024], blank[1024], count[1024], hang_file[1024];
} conf;

static Device devices[MOST_GPUS][3];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char conf_path[4096];
static struct timespec conf_time = {-1, 0};
static ino_t conf_file;
static double loaded;
static int fault_told = -1, xids_told = 0;

/* ── the settings file ────────────────────────────────────────────────────────────────────────────────────────────── */

static double clock_now(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void forget(void) {
    memset(&conf, 0, sizeof conf);
    conf.gpus = 8;
    conf.fault = conf.lost = conf.mig = -1;
    conf.hang_seconds = 45;
}

static void set(const char *key, char *value) {
    char *rest;
    if (!strcmp(key, "gpus")) conf.gpus = atoi(value) < MOST_GPUS ? atoi(value) : MOST_GPUS;
    else if (!strcmp(key, "fault")) conf.fault = atoi(value);
    else if (!strcmp(key, "lost")) conf.lost = atoi(value);
    else if (!strcmp(key, "mig")) conf.mig = atoi(value);
    else if (!strcmp(key, "hang")) conf.hang = atoi(value);
    else if (!strcmp(key, "hang_seconds")) conf.hang_seconds = atof(value);
    else if (!strcmp(key, "hang_after")) conf.hang_after = atof(value);
    else if (!strcmp(key, "hang_file")) snprintf(conf.hang_file, sizeof conf.hang_file, "%s", value);
    else if (!strcmp(key, "delay_us")) conf.delay_us = atol(value);
    else if (!strcmp(key, "old_driver")) conf.old_driver = atoi(value);
    else if (!strcmp(key, "init")) conf.init = atoi(value);
    else if (!strcmp(key, "count")) snprintf(conf.count, sizeof conf.count, "%s", value);
    else if (!strcmp(key, "unsupported")) snprintf(conf.unsupported, sizeof conf.unsupported, ",%s,", value);
    else if (!strcmp(key, "blank")) snprintf(conf.blank, sizeof conf.blank, ",%s,", value);
    else if (!strcmp(key, "pids"))
        for (char *item = strtok_r(value, ",", &rest); item && conf.pid_count < MOST_PIDS; item = strtok_r(NULL, ",", &rest))
            conf.pids[conf.pid_count++] = atoi(item);
    else if (!strcmp(key, "xids"))
        for (char *item = strtok_r(value, ",", &rest); item && conf.xid_count < 64; item = strtok_r(NULL, ",", &rest))
            if (sscanf(item, "%d:%d", &conf.xids[conf.xid_count][0], &conf.xids[conf.xid_count][1]) == 2) conf.xid_count++;
}

static void reread(void) {
    struct stat found;
    char line[1024], key[64], value[1000];
    if (stat(conf_path, &found)) {
        if (conf_time.tv_sec != 0) forget();
        conf_time.tv_sec = 0;
        return;
    }
    if (found.st_ino == conf_file && found.st_mtim.tv_sec == conf_time.tv_sec && found.st_mtim.tv_nsec == conf_time.tv_nsec) return;
    FILE *file = fopen(conf_path, "r");
    if (!file) return;
    conf_time = found.st_mtim;
    conf_file = found.st_ino;
    forget();
    while (fgets(line, sizeof line, file))
        if (sscanf(line, " %63[a-z_] = %999[^\n]", key, value) == 2) set(key, value);
    fclose(file);
}

__attribute__((constructor)) static void load(void) {
    Dl_info info;
    loaded = clock_now(CLOCK_MONOTONIC);
    for (int gpu = 0; gpu < MOST_GPUS; gpu++)
        for (int instance = 0; instance < 3; instance++) devices[gpu][instance] = (Device){gpu, instance};
    if (dladdr((void *)load, &info) && info.dli_fname) {
        snprintf(conf_path, sizeof conf_path - 32, "%s", info.dli_fname);
        char *slash = strrchr(conf_path, '/');
        strcpy(slash ? slash + 1 : conf_path, "fakenvml.conf");
    }
    forget();
    reread();
}

static void nap(double seconds) {
    struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

static int hangs(void) {
    pthread_mutex_lock(&lock);
    reread();
    int is_hung = conf.hang || (conf.hang_file[0] && !access(conf.hang_file, F_OK)) ||
                  (conf.hang_after > 0 && clock_now(CLOCK_MONOTONIC) - loaded > conf.hang_after);
    pthread_mutex_unlock(&lock);
    return is_hung;
}

/* What every call goes through first. */
static int enter(const char *name, const Device *device) {
    for (double began = clock_now(CLOCK_MONOTONIC); hangs() && clock_now(CLOCK_MONOTONIC) - began < conf.hang_seconds;)
        nap(0.02);
    if (conf.delay_us) nap(conf.delay_us / 1e6);
    if (conf.count[0]) {
        char line[128];
        int file = open(conf.count, O_WRONLY | O_CREAT | O_APPEND, 0600);
        int size = snprintf(line, sizeof line, "%s %d\n", name, device ? device->gpu : -1);
        if (file >= 0) {
            if (write(file, line, size) != size) perror("fakenvml");
            close(file);
        }
    }
    if (device && device->gpu == conf.lost) return LOST;
    char wanted[80];
    snprintf(wanted, sizeof wanted, ",%s,", name);
    return strstr(conf.unsupported, wanted) ? UNSUPPORTED : OK;
}

#define ENTER(name, device) do { int code_ = enter(name, device); if (code_ != OK) return code_; } while (0)
#define NEWER() do { if (conf.old_driver) return NO_FUNCTION; } while (0)
#define WHOLE(device) do { if ((device)->instance) return UNSUPPORTED; } while (0)

/* ── values that move ─────────────────────────────────────────────────────────────────────────────────────────────── */

/* Between low and low + steps, never the same in two seconds that follow each other. */
static int wave(int gpu, int salt, int low, int steps) {
    time_t second = time(NULL);
    int n = (int)(steps * (0.5 + 0.45 * sin(second / 11.0 + gpu * 1.3 + salt * 2.1)));
    return low + ((n & ~1) | ((second + gpu) & 1));
}

/* A total that grows by about `per_second`. */
static u64 total(int gpu, double per_second) {
    return (u64)((clock_now(CLOCK_REALTIME) - 1.79e9) * per_second) + gpu * 17;
}

static u64 memory_total(const Device *device) { return device->instance ? 71 * GIB : 141 * GIB; }
static u64 memory_reserved(void) { return GIB / 2; }
static u64 memory_used(const Device *device) {
    return (u64)wave(device->gpu, 3 + device->instance, device->instance ? 20 : 60, device->instance ? 30 : 60) * GIB + 7 * GIB / 16;
}

static int text(char *to, u32 size, const char *from) {
    if (strlen(from) + 1 > size) return TOO_SMALL;
    strcpy(to, from);
    return OK;
}

/* ── the system ───────────────────────────────────────────────────────────────────────────────────────────────────── */

EXPORT int nvmlInitWithFlags(u32 flags) { (void)flags; ENTER("Init", NULL); return conf.init; }
EXPORT int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
EXPORT int nvmlShutdown(void) { return OK; }
EXPORT const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : code == UNSUPPORTED ? "Not Supported" : "Unknown Error"; }
EXPORT int nvmlSystemGetDriverVersion(char *to, u32 size) { ENTER("DriverVersion", NULL); return text(to, size, conf.old_driver ? "470.256.02" : "580.95.05"); }
EXPORT int nvmlSystemGetNVMLVersion(char *to, u32 size) { ENTER("NVMLVersion", NULL); return text(to, size, "13.580.95.05"); }
EXPORT int nvmlSystemGetCudaDriverVersion(int *to) { ENTER("CudaDriverVersion", NULL); *to = conf.old_driver ? 11040 : 13000; return OK; }
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *to) { return nvmlSystemGetCudaDriverVersion(to); }
EXPORT int nvmlDeviceGetCount_v2(u32 *to) { ENTER("Count", NULL); *to = conf.gpus; return OK; }

EXPORT int nvmlDeviceGetHandleByIndex_v2(u32 index, Device **to) {
    if (index >= (u32)conf.gpus) return INVALID;
    ENTER("HandleByIndex", &devices[index][0]);
    *to = &devices[index][0];
    return OK;
}

/* ── what a GPU is ────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { char legacy[16]; u32 domain, bus, device, id, subsystem; char bus_id[32]; } PciInfo;

EXPORT int nvmlDeviceGetUUID(Device *device, char *to, u32 size) {
    char uuid[80];
    ENTER("UUID", device);
    snprintf(uuid, sizeof uuid, "%s-5a1e0000-0000-4000-8000-00000000%02x%02x", device->instance ? "MIG" : "GPU", device->instance, device->gpu);
    return text(to, size, uuid);
}

EXPORT int nvmlDeviceGetName(Device *device, char *to, u32 size) {
    ENTER("Name", device);
    return text(to, size, device->instance ? "NVIDIA H200 MIG 3g.71gb" : "NVIDIA H200");
}

EXPORT int nvmlDeviceGetPciInfo_v3(Device *device, PciInfo *to) {
    ENTER("PciInfo", device);
    memset(to, 0, sizeof *to);
    to->bus = 0x1b + device->gpu * 0x10;
    to->id = 0x233510de;
    snprintf(to->legacy, sizeof to->legacy, "0000:%02X:00.0", to->bus);
    snprintf(to->bus_id, sizeof to->bus_id, "00000000:%02X:00.0", to->bus);
    return OK;
}

EXPORT int nvmlDeviceGetIndex(Device *device, u32 *to) { ENTER("Index", device); *to = device->gpu; return OK; }
EXPORT int nvmlDeviceGetSerial(Device *device, char *to, u32 size) {
    char serial[32];
    ENTER("Serial", device);
    snprintf(serial, sizeof serial, "16510242%05d", device->gpu);
    return text(to, size, serial);
}
EXPORT int nvmlDeviceGetPersistenceMode(Device *device, int *to) { ENTER("PersistenceMode", device); *to = 1; return OK; }
EXPORT int nvmlDeviceGetComputeMode(Device *device, int *to) { ENTER("ComputeMode", device); *to = 0; return OK; }
EXPORT int nvmlDeviceGetDisplayActive(Device *device, int *to) { ENTER("DisplayActive", device); *to = 0; return OK; }
EXPORT int nvmlDeviceGetDisplayMode(Device *device, int *to) { ENTER("DisplayMode", device); *to = 0; return OK; }
EXPORT int nvmlDeviceGetPerformanceState(Device *device, int *to) { ENTER("PerformanceState", device); *to = 0; return OK; }
EXPORT int nvmlDeviceGetDriverModel_v2(Device *device, int *now, int *pending) { (void)now; (void)pending; ENTER("DriverModel", device); return UNSUPPORTED; }
EXPORT int nvmlDeviceGetEccMode(Device *device, int *now, int *pending) { ENTER("EccMode", device); *now = *pending = 1; return OK; }
EXPORT int nvmlDeviceGetConfComputeMemSizeInfo(Device *device, void *to) { (void)to; ENTER("ConfComputeMemSizeInfo", device); return UNSUPPORTED; }
EXPORT int nvmlDeviceGetRunningProcessDetailList(Device *device, void *to) { (void)to; ENTER("RunningProcessDetailList", device); return UNSUPPORTED; }
EXPORT int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor) { ENTER("CudaComputeCapability", device); *major = 9; *minor = 0; return OK; }

/* ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { u64 total, free, used; } Memory;
typedef struct { u32 version; u64 total, reserved, free, used; } Memory2;
typedef struct { u32 gpu, memory; } Utilization;
typedef struct { u32 version, sensor; int value; } Temperature;

EXPORT int nvmlDeviceGetMemoryInfo(Device *device, Memory *to) {
    ENTER("MemoryInfo", device);
    *to = (Memory){memory_total(device), 0, memory_used(device) + memory_reserved()};
    to->free = to->total - to->used;
    return OK;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory2 *to) {
    NEWER();
    ENTER("MemoryInfo_v2", device);
    *to = (Memory2){to->version, memory_total(device), memory_reserved(), 0, memory_used(device)};
    to->free = to->total - to->used - to->reserved;
    return OK;
}

EXPORT int nvmlDeviceGetBAR1MemoryInfo(Device *device, Memory *to) { ENTER("BAR1MemoryInfo", device); *to = (Memory){256 * GIB, 255 * GIB, GIB}; return OK; }

EXPORT int nvmlDeviceGetUtilizationRates(Device *device, Utilization *to) {
    ENTER("UtilizationRates", device);
    if (device->instance || device->gpu == conf.mig) return UNSUPPORTED;
    *to = (Utilization){wave(device->gpu, 1, 2, 96), wave(device->gpu, 2, 1, 60)};
    return OK;
}

static int share(const char *name, Device *device, u32 *to, u32 *period, int salt) {
    ENTER(name, device);
    WHOLE(device);
    *to = wave(device->gpu, salt, 0, 20);
    *period = 167000;
    return OK;
}
EXPORT int nvmlDeviceGetEncoderUtilization(Device *device, u32 *to, u32 *period) { return share("EncoderUtilization", device, to, period, 5); }
EXPORT int nvmlDeviceGetDecoderUtilization(Device *device, u32 *to, u32 *period) { return share("DecoderUtilization", device, to, period, 6); }
EXPORT int nvmlDeviceGetFanSpeed(Device *device, u32 *to) { ENTER("FanSpeed", device); WHOLE(device); *to = wave(device->gpu, 7, 30, 50); return OK; }
EXPORT int nvmlDeviceGetTemperature(Device *device, int sensor, u32 *to) { (void)sensor; ENTER("Temperature", device); WHOLE(device); *to = wave(device->gpu, 8, 45, 35); return OK; }
EXPORT int nvmlDeviceGetTemperatureV(Device *device, Temperature *to) { NEWER(); ENTER("TemperatureV", device); WHOLE(device); to->value = wave(device->gpu, 8, 45, 35); return OK; }
EXPORT int nvmlDeviceGetPowerUsage(Device *device, u32 *to) { ENTER("PowerUsage", device); WHOLE(device); *to = wave(device->gpu, 9, 150, 500) * 1000; return OK; }
EXPORT int nvmlDeviceGetPowerManagementLimit(Device *device, u32 *to) { ENTER("PowerManagementLimit", device); WHOLE(device); *to = 700000; return OK; }
EXPORT int nvmlDeviceGetEnforcedPowerLimit(Device *device, u32 *to) { ENTER("EnforcedPowerLimit", device); WHOLE(device); *to = 700000; return OK; }
EXPORT int nvmlDeviceGetTotalEnergyConsumption(Device *device, u64 *to) { ENTER("TotalEnergyConsumption", device); WHOLE(device); *to = total(device->gpu, 420000); return OK; }

EXPORT int nvmlDeviceGetClockInfo(Device *device, int kind, u32 *to) {
    ENTER("ClockInfo", device);
    WHOLE(device);
    *to = kind == 2 ? wave(device->gpu, 10, 3100, 100) : device->gpu == conf.fault ? 345 : wave(device->gpu, 11, 1500, 480);
    return OK;
}
EXPORT int nvmlDeviceGetMaxClockInfo(Device *device, int kind, u32 *to) { ENTER("MaxClockInfo", device); *to = kind == 2 ? 3201 : 1980; return OK; }

static int reasons(const char *name, Device *device, u64 *to) {
    ENTER(name, device);
    WHOLE(device);
    *to = device->gpu == conf.fault ? 0x8 | 0x40 : time(NULL) & 1 ? 0x4 : 0;
    return OK;
}
EXPORT int nvmlDeviceGetCurrentClocksEventReasons(Device *device, u64 *to) { NEWER(); return reasons("CurrentClocksEventReasons", device, to); }
EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, u64 *to) { return reasons("CurrentClocksThrottleReasons", device, to); }

/* The link sleeps while nothing is copied: the generation falls, and the width stays. */
EXPORT int nvmlDeviceGetCurrPcieLinkGeneration(Device *device, u32 *to) { ENTER("CurrPcieLinkGeneration", device); *to = 5; return OK; }
EXPORT int nvmlDeviceGetMaxPcieLinkGeneration(Device *device, u32 *to) { ENTER("MaxPcieLinkGeneration", device); *to = 5; return OK; }
EXPORT int nvmlDeviceGetCurrPcieLinkWidth(Device *device, u32 *to) { ENTER("CurrPcieLinkWidth", device); *to = device->gpu == conf.fault ? 8 : 16; return OK; }
EXPORT int nvmlDeviceGetMaxPcieLinkWidth(Device *device, u32 *to) { ENTER("MaxPcieLinkWidth", device); *to = 16; return OK; }
EXPORT int nvmlDeviceGetPcieReplayCounter(Device *device, u32 *to) { ENTER("PcieReplayCounter", device); *to = total(device->gpu, 0.01); return OK; }
EXPORT int nvmlDeviceGetPcieThroughput(Device *device, int counter, u32 *to) { ENTER("PcieThroughput", device); *to = wave(device->gpu, 12 + counter, 1000, 90000); return OK; }

EXPORT int nvmlDeviceGetTotalEccErrors(Device *device, int kind, int counter, u64 *to) {
    (void)counter;
    ENTER("TotalEccErrors", device);
    WHOLE(device);
    *to = kind && device->gpu == conf.fault ? total(0, 0.01) : 0;
    return OK;
}

/* ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { u32 id, scope; int64_t time, latency; int type, code; union { double d; u32 u; u64 l; int64_t s; } value; } Field;

static int field(const Device *device, Field *it) {
    int gpu = device->gpu, is_bad = gpu == conf.fault;
    char wanted[16];
    it->type = 3; /* unsigned long long */
    it->time = (int64_t)(clock_now(CLOCK_REALTIME) * 1e6);
    snprintf(wanted, sizeof wanted, ",%u,", it->id);
    if (strstr(conf.unsupported, wanted)) return UNSUPPORTED;
    if (strstr(conf.blank, wanted)) {
        it->value.l = 0x7ffffffffffffff2ULL;
        return OK;
    }
    if (conf.old_driver && it->id > 160) return INVALID;
    switch (it->id) {
    case 3: it->value.l = 0; return OK;
    case 4: it->value.l = is_bad ? total(0, 0.01) : 0; return OK;
    case 74: it->value.l = total(gpu, 2e7); return OK;
    case 75: it->value.l = is_bad ? total(gpu, 9e8) : 0; return OK;
    case 76: case 77: case 78: case 79: it->value.l = 0; return OK;
    case 82: it->type = 1; it->value.u = wave(gpu, 13, 50, 40); return OK;
    case 83: it->value.l = total(gpu, 420000); return OK;
    case 91: it->type = 1; it->value.u = LINKS; return OK;
    case 94: it->type = 1; it->value.u = total(gpu, 0.001); return OK;
    case 142: case 145: it->type = 1; it->value.u = 0; return OK;
    case 143: case 144: it->type = 1; it->value.u = is_bad; return OK;
    case 161: case 162:
        if (it->scope >= LINKS) return INVALID;
        it->value.l = 0;
        return OK;
    case 163:
        if (it->scope >= LINKS) return INVALID;
        it->value.l = is_bad && it->scope == 5 ? total(0, 3) : 0;
        return OK;
    case 165:
        if (it->scope >= LINKS) return INVALID;
        it->type = 1;
        it->value.u = !(is_bad && it->scope == 5);
        return OK;
    case 185: case 186: it->type = 1; it->value.u = wave(gpu, 9, 150, 500) * 1000; return OK;
    case 190: it->type = 1; it->value.u = 700000; return OK;
    case 193: it->type = 5; it->value.s = -8; return OK;
    case 230: it->type = 1; it->value.u = is_bad; return OK;
    default: return UNSUPPORTED;
    }
}

EXPORT int nvmlDeviceGetFieldValues(Device *device, int count, Field *fields) {
    ENTER("FieldValues", device);
    WHOLE(device);
    for (int i = 0; i < count; i++) fields[i].code = field(device, &fields[i]);
    memset(&fields[count], 0x5a, sizeof *fields); /* as real drivers may: one past the end */
    return OK;
}

typedef struct { u32 version; unsigned char cluster[16]; int status; u32 clique; u32 state; u32 mask; unsigned char summary; } Fabric;
EXPORT int nvmlDeviceGetGpuFabricInfoV(Device *device, Fabric *to) {
    ENTER("GpuFabricInfoV", device);
    if (to->version != 0x3000028) return INVALID;
    int bad = device->gpu == conf.fault;
    to->status = OK; to->state = 3; to->clique = 1; to->mask = 0; to->summary = bad ? 2 : 1;
    return OK;
}
EXPORT int nvmlDeviceGetNvLinkState(Device *device, u32 link, int *to) { ENTER("NvLinkState", device); if (link >= LINKS) return INVALID; *to = !(device->gpu == conf.fault && link == 5); return OK; }

/* ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { u32 pid; u64 used; u32 gpu_instance, compute_instance; } Process;
typedef struct { u32 pid; u64 time; u32 sm, memory, encoder, decoder; } Sample;

static int processes(Device *device, u32 *count, Process *to, int draws) {
    u32 found = 0, room = *count;
    for (int i = 0; i < conf.pid_count; i++) {
        if (i % conf.gpus != device->gpu || (draws && i % 3) || (device->instance == 2)) continue;
        if (to && found < room)
            to[found] = (Process){conf.pids[i], (u64)wave(i, 14, 4, 20) * GIB, device->instance ? (u32)device->instance : ~0u, ~0u};
        found++;
    }
    *count = found;
    return found > room ? TOO_SMALL : OK;
}
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, u32 *count, Process *to) { NEWER(); ENTER("ComputeRunningProcesses", device); return processes(device, count, to, 0); }
EXPORT int nvmlDeviceGetGraphicsRunningProcesses_v3(Device *device, u32 *count, Process *to) { NEWER(); ENTER("GraphicsRunningProcesses", device); return processes(device, count, to, 1); }
EXPORT int nvmlDeviceGetComputeRunningProcesses_v2(Device *device, u32 *count, Process *to) { ENTER("ComputeRunningProcesses", device); return processes(device, count, to, 0); }
EXPORT int nvmlDeviceGetGraphicsRunningProcesses_v2(Device *device, u32 *count, Process *to) { ENTER("GraphicsRunningProcesses", device); return processes(device, count, to, 1); }

EXPORT int nvmlDeviceGetProcessUtilization(Device *device, Sample *to, u32 *count, u64 since) {
    u32 found = 0, room = to ? *count : 0;
    (void)since;
    ENTER("ProcessUtilization", device);
    WHOLE(device);
    for (int i = 0; i < conf.pid_count; i++) {
        if (i % conf.gpus != device->gpu) continue;
        if (to && found < room)
            to[found] = (Sample){conf.pids[i], (u64)(clock_now(CLOCK_REALTIME) * 1e6), wave(i, 15, 10, 80), wave(i, 16, 5, 40), 0, 0};
        found++;
    }
    *count = found;
    return !found ? NOT_FOUND : found > room ? TOO_SMALL : OK;
}

/* ── MIG ──────────────────────────────────────────────────────────────────────────────────────────────────────────── */

EXPORT int nvmlDeviceGetMigMode(Device *device, u32 *now, u32 *pending) { ENTER("MigMode", device); *now = *pending = device->gpu == conf.mig; return OK; }
EXPORT int nvmlDeviceGetMaxMigDeviceCount(Device *device, u32 *to) { ENTER("MaxMigDeviceCount", device); *to = 7; return OK; }
EXPORT int nvmlDeviceIsMigDeviceHandle(Device *device, u32 *to) { ENTER("IsMigDeviceHandle", device); *to = device->instance != 0; return OK; }
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, u32 index, Device **to) {
    ENTER("MigDeviceHandleByIndex", device);
    if (device->gpu != conf.mig || index >= 2) return NOT_FOUND;
    *to = &devices[device->gpu][index + 1];
    return OK;
}
EXPORT int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device *device, Device **to) { ENTER("DeviceHandleFromMigDeviceHandle", device); *to = &devices[device->gpu][0]; return OK; }
EXPORT int nvmlDeviceGetGpuInstanceId(Device *device, u32 *to) { ENTER("GpuInstanceId", device); if (!device->instance) return INVALID; *to = device->instance; return OK; }
EXPORT int nvmlDeviceGetComputeInstanceId(Device *device, u32 *to) { ENTER("ComputeInstanceId", device); *to = 0; return OK; }

/* ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { Device *device; u64 type, data; u32 gpu_instance, compute_instance; } EventData;

EXPORT int nvmlEventSetCreate(void **to) { ENTER("EventSetCreate", NULL); *to = &lock; return OK; }
EXPORT int nvmlEventSetFree(void *set_) { (void)set_; return OK; }
EXPORT int nvmlDeviceGetSupportedEventTypes(Device *device, u64 *to) { ENTER("SupportedEventTypes", device); *to = 0x1f; return OK; }
EXPORT int nvmlDeviceRegisterEvents(Device *device, u64 types, void *set_) { (void)types; (void)set_; ENTER("RegisterEvents", device); return OK; }

EXPORT int nvmlEventSetWait_v2(void *set_, EventData *to, u32 timeout_ms) {
    int gpu = -1, code = 79;
    (void)set_;
    ENTER("EventSetWait", NULL);
    if (conf.xid_count < xids_told) xids_told = 0;
    if (conf.fault >= 0 && conf.fault < conf.gpus && conf.fault != fault_told) gpu = conf.fault;
    else if (xids_told < conf.xid_count) {
        gpu = conf.xids[xids_told][0];
        code = conf.xids[xids_told++][1];
    }
    if (conf.fault != fault_told) fault_told = conf.fault;
    if (gpu < 0) {
        if (timeout_ms) nap(timeout_ms / 1e3);
        return TIMED_OUT;
    }
    *to = (EventData){&devices[gpu][0], 8, code, ~0u, ~0u};
    return OK;
}
