/* The node in machine code: what `node.py` says in Python, with the same meaning.

   Every function here takes the short way only: no mode is active, the operands are Values or
   ordinary numbers, the result is finite where the row demands it. In all other cases it calls the
   method of the same name of the Python class (`reference`), so that recording, errors and unusual
   numbers are decided in one place. The derivatives stand in the table of `primitives.py`; those
   that are repeated here are held to their rows by tests/core/test_native_node.py.

   A node has 96 bytes. The cyclic collector does not know it, since it holds nothing but nodes, a row
   and a label; see `module_register`. Graphs are freed by a loop, not by recursion. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <structmember.h>
#if defined(_WIN32)
#include <malloc.h> /* _aligned_malloc */
#else
#include <sys/mman.h>
#endif

#ifndef SCALARGRAD_SOURCE
#define SCALARGRAD_SOURCE ""
#endif
#define INTERFACE 5

/* On the x87, a sum of products is rounded once, where Python rounds each product. */
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "doubles are not evaluated as such: build with -msse2 -mfpmath=sse"
#endif

/* Nor does the compiler of Microsoft join a * b + c; see setup.py for the others. */
#ifdef _MSC_VER
#pragma fp_contract(off)
#endif

/* --- the node --------------------------------------------------------------------------------- */

typedef struct Node Node;

/* The operands of a node that has neither one nor two, and its partials behind them. */
typedef struct {
    Py_ssize_t count;
    PyObject *owner; /* stands in the place of the partials, or NULL; see `without_partials` */
    Node *operands[];
} Many;

/* A leaf has neither x nor many; one operand: x; two: x and y; else many. */
struct Node {
    PyObject_HEAD
    Node *x, *y;
    union {
        double dx;  /* where there is x */
        Many *many; /* where there is none */
    };
    double dy, grad;
    uint64_t mark; /* of the last walk that came by; up to here is what backward touches */
    double data;
    PyObject *row;   /* NULL is None */
    PyObject *label; /* NULL is "" */
    PyObject *weak;  /* the weak references */
};

static PyTypeObject *NodeType;  /* the base */
static PyTypeObject *ValueType; /* the class of all nodes made by operations; `register` */
static PyObject *active;        /* the modes that change what operations do: nearly always empty */
static PyObject *watching;      /* those that collect leaves */
static PyObject *row_of_constants;
static uint64_t clock_of_marks = 1; /* a walk marks nodes with numbers from here on */

#define IS_NODE(o) (Py_TYPE(o) == ValueType || PyObject_TypeCheck(o, NodeType))
#define IS_LEAF(n) (!(n)->x && !(n)->many)

/* What operations do in the current context. */
enum { BUILD, COMPUTE, REFERENCE };
static int look_up_mode(void);

static inline int
current_mode(void)
{
    return PyDict_GET_SIZE(active) ? look_up_mode() : BUILD;
}

static inline Py_ssize_t
count_of_operands(Node *n)
{
    return n->x ? 1 + (n->y != NULL) : n->many ? n->many->count : 0;
}

static inline double *
partials_of(Many *many)
{
    size_t after = offsetof(Many, operands) + (size_t)many->count * sizeof(Node *);
    return (double *)((char *)many + (after + 7) / 8 * 8); /* where pointers have 4 bytes, too */
}

static Many *
new_many(Py_ssize_t count)
{
    size_t each = sizeof(Node *) + sizeof(double);
    if ((size_t)count > (PY_SSIZE_T_MAX - sizeof(Many) - 8) / each) {
        PyErr_NoMemory();
        return NULL;
    }
    Many *many = PyMem_Malloc(sizeof(Many) + (size_t)count * each + 8 - sizeof(Node *));
    if (!many) {
        PyErr_NoMemory();
        return NULL;
    }
    many->count = count;
    many->owner = NULL;
    return many;
}

/* --- making and freeing ----------------------------------------------------------------------- */

/* Nodes of the registered class live in slabs of 2 MiB, which the system backs with one huge page
   each where it can. In a graph of 10^7 nodes, 4 KiB pages cost 45 ns a node when the memory is
   touched first, and their addresses are looked up slowly at each walk. Empty slabs go back to the
   system, except for a few that the next graph is likely to need. */
#define SLAB_SIZE ((size_t)2 << 20)
#define MOST_EMPTY 32 /* slabs kept: 64 MiB */

typedef struct Slab Slab;
struct Slab {
    Slab *next, *previous; /* in the ring of slabs with room */
    Node *spare;           /* freed nodes, linked by x */
    uint32_t used, fresh;  /* nodes in use; nodes handed out at least once */
};

#define FIRST_NODE ((sizeof(Slab) + 63) / 64 * 64)
#define SLAB_NODES ((uint32_t)((SLAB_SIZE - FIRST_NODE) / sizeof(Node)))
#define SLAB_OF(n) ((Slab *)((uintptr_t)(n) & ~(uintptr_t)(SLAB_SIZE - 1)))

static Slab ring = {&ring, &ring, NULL, 0, 0}; /* the slabs with room; the first is in use */
static int slab_count, empty_count;

static void
add_to_ring(Slab *slab)
{
    slab->next = ring.next;
    slab->previous = &ring;
    ring.next->previous = slab;
    ring.next = slab;
}

static void
remove_from_ring(Slab *slab)
{
    slab->next->previous = slab->previous;
    slab->previous->next = slab->next;
}

/* Let the system back large memory with huge pages. */
static void
ask_for_huge_pages(void *memory, size_t size)
{
#if defined(MADV_HUGEPAGE)
    if (size < SLAB_SIZE) return;
    uintptr_t page = 4096, first = ((uintptr_t)memory + page - 1) / page * page;
    madvise((void *)first, (uintptr_t)memory + size - first, MADV_HUGEPAGE);
#else
    (void)memory, (void)size;
#endif
}

/* Memory of the size of a slab at a multiple of it, or NULL. */
static void *
map_slab(void)
{
#if defined(_WIN32)
    return _aligned_malloc(SLAB_SIZE, SLAB_SIZE);
#else
    int access = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_ANONYMOUS;
    char *memory = mmap(NULL, 2 * SLAB_SIZE, access, kind, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    char *slab = (char *)SLAB_OF(memory + SLAB_SIZE - 1);
    if (slab > memory) munmap(memory, (size_t)(slab - memory));
    munmap(slab + SLAB_SIZE, (size_t)(memory + SLAB_SIZE - slab));
    if (slab_count >= 4) ask_for_huge_pages(slab, SLAB_SIZE); /* a small program stays small */
    return slab;
#endif
}

static void
unmap_slab(Slab *slab)
{
#if defined(_WIN32)
    _aligned_free(slab);
#else
    munmap(slab, SLAB_SIZE);
#endif
}

/* Put a new slab into the ring; NULL with an error. */
static Slab *
new_slab(void)
{
    if (!ValueType) {
        PyErr_SetString(PyExc_SystemError, "no class of nodes is registered");
        return NULL;
    }
    Slab *slab = map_slab();
    if (!slab) {
        PyErr_NoMemory();
        return NULL;
    }
    slab->spare = NULL;
    slab->used = slab->fresh = 0;
    slab_count++;
    empty_count++;
    add_to_ring(slab);
    return slab;
}

/* A node with its header, or NULL with an error. */
static inline Node *
allocate_node(void)
{
#ifdef SCALARGRAD_PLAIN_MEMORY /* so that a sanitizer sees each node by itself */
    Node *plain = ValueType ? PyObject_New(Node, ValueType) : NULL;
    if (plain) {
        Py_DECREF(ValueType);
        plain->weak = NULL;
        plain->mark = 0;
    }
    return plain;
#endif
    Slab *slab = ring.next;
    if (slab == &ring && !(slab = new_slab())) return NULL;
    Node *n = slab->spare;
    if (n) {
        slab->spare = n->x;
    } else {
        n = (Node *)((char *)slab + FIRST_NODE) + slab->fresh++;
        n->weak = NULL;
        n->mark = 0;
        if (!slab->used) empty_count--;
    }
    Py_SET_TYPE((PyObject *)n, ValueType); /* which is kept for good; freed ones may have another */
    Py_SET_REFCNT((PyObject *)n, 1);
    if (++slab->used == SLAB_NODES) remove_from_ring(slab);
    return n;
}

static void
free_node(void *memory)
{
#ifdef SCALARGRAD_PLAIN_MEMORY
    PyObject_Free(memory);
    return;
#endif
    Node *n = memory;
    Slab *slab = SLAB_OF(n);
    n->x = slab->spare;
    slab->spare = n;
    if (slab->used-- == SLAB_NODES) add_to_ring(slab);
    if (slab->used) return;
    if (empty_count < MOST_EMPTY) {
        empty_count++;
        slab->spare = NULL; /* in the order of their addresses again */
        slab->fresh = 0;
        return;
    }
    remove_from_ring(slab);
    unmap_slab(slab);
    slab_count--;
}

/* A new node of the registered class, empty but for `row`, or NULL with an error. */
static inline Node *
new_node(PyObject *row, double data)
{
    Node *n = allocate_node();
    if (!n) return NULL;
    n->data = data;
    n->grad = 0.0;
    Py_XINCREF(row);
    n->row = row;
    n->label = NULL;
    n->x = n->y = NULL;
    n->many = NULL;
    n->dy = 0.0;
    return n;
}

/* The references of `x` and `y` go over to the new node, or are dropped with an error. */
static inline PyObject *
new_binary(PyObject *row, double data, Node *x, Node *y, double dx, double dy)
{
    Node *n = new_node(row, data);
    if (!n) {
        Py_DECREF(x);
        Py_DECREF(y);
        return NULL;
    }
    n->x = x;
    n->y = y;
    n->dx = dx;
    n->dy = dy;
    return (PyObject *)n;
}

static inline PyObject *
new_unary(PyObject *row, double data, Node *x, double dx)
{
    Node *n = new_node(row, data);
    if (!n) return NULL;
    Py_INCREF(x);
    n->x = x;
    n->dx = dx;
    return (PyObject *)n;
}

/* Drop one reference to a node: the last one puts it on the list of nodes to be freed. */
static inline void
drop(Node *n, Node **pending)
{
    if (Py_REFCNT(n) != 1 || Py_TYPE(n) != ValueType) {
        Py_DECREF(n);
        return;
    }
    Py_SET_REFCNT((PyObject *)n, 0);
    if (n->weak) PyObject_ClearWeakRefs((PyObject *)n); /* from here on nobody can reach it */
    n->weak = (PyObject *)*pending;
    *pending = n;
}

static void
release_operands(Node *n, Node **pending)
{
    Node *x = n->x, *y = n->y;
    Many *many = x ? NULL : n->many;
    n->x = n->y = NULL;
    n->many = NULL;
    if (x) drop(x, pending);
    if (y) drop(y, pending);
    if (many) {
        for (Py_ssize_t i = 0; i < many->count; i++) drop(many->operands[i], pending);
        Py_XDECREF(many->owner);
        PyMem_Free(many);
    }
}

/* Free a node, and all that it alone holds: a loop, since a graph may be millions deep. */
static void
free_nodes(Node *n)
{
    Node *pending = NULL;
    while (n) {
        PyTypeObject *type = Py_TYPE(n);
        PyObject *row = n->row, *label = n->label;
        release_operands(n, &pending);
        if (type == ValueType || type->tp_free == free_node) { /* or was registered before it */
            free_node(n);
        } else {
            type->tp_free(n);
            Py_DECREF(type);
        }
        Py_XDECREF(row);
        Py_XDECREF(label);
        n = pending;
        if (n) {
            pending = (Node *)n->weak;
            n->weak = NULL;
        }
    }
}

static void
node_dealloc(PyObject *self)
{
    Node *n = (Node *)self;
    if (n->weak) PyObject_ClearWeakRefs(self);
    free_nodes(n);
}

/* `Py_DECREF` of operands outside of freeing, say when a node is filled anew. */
static void
forget_operands(Node *n)
{
    Node *pending = NULL;
    release_operands(n, &pending);
    while (pending) {
        Node *next = (Node *)pending->weak;
        pending->weak = NULL;
        free_nodes(pending);
        pending = next;
    }
}

/* --- what is left to the reference ------------------------------------------------------------ */

enum { ADD, SUB, MUL, DIV, POW, BINARY_COUNT };
enum { NEG, EXP, LOG, TANH, SIGMOID, RELU, SQRT, SIN, COS, ABS, UNARY_COUNT };
enum { SUM, MEAN, PROD, DOT, LOGSUMEXP, MANY_COUNT };

static const char *const binary_names[] = {"add", "sub", "mul", "div", "pow"};
static const char *const unary_names[] = {"neg", "exp",  "log", "tanh", "sigmoid",
                                          "relu", "sqrt", "sin", "cos",  "abs"};
static const char *const many_names[] = {"sum", "mean", "prod", "dot", "logsumexp"};
static const char *const name_of_xlogy = "xlogy";
static PyObject *binary_rows[BINARY_COUNT], *unary_rows[UNARY_COUNT], *many_rows[MANY_COUNT];

static const char *const binary_methods[] = {"__add__", "__sub__", "__mul__", "__truediv__",
                                             "__pow__"};
static const char *const reflected_methods[] = {"__radd__", "__rsub__", "__rmul__",
                                                "__rtruediv__", "__rpow__"};
static const char *const comparison_methods[] = {"__lt__", "__le__", "__eq__",
                                                 "__ne__", "__gt__", "__ge__"};
static PyObject *reference; /* the class Node of node.py */
static PyObject *binary_reference[BINARY_COUNT], *reflected_reference[BINARY_COUNT];
static PyObject *comparison_reference[6], *apply_reference;
static PyObject *check_access, *order_reference; /* functions of node.py */

/* Call a method or a property's function of the reference class. */
static PyObject *
call_reference(const char *name, PyObject *args, PyObject *keywords)
{
    PyObject *method = PyObject_GetAttrString(reference, name);
    if (!method) return NULL;
    PyObject *result = PyObject_Call(method, args, keywords);
    Py_DECREF(method);
    return result;
}

static PyObject *
read_by_reference(PyObject *self, const char *name)
{
    PyObject *property = PyObject_GetAttrString(reference, name);
    if (!property) return NULL;
    PyObject *result = PyObject_CallMethod(property, "__get__", "O", self);
    Py_DECREF(property);
    return result;
}

static int
set_by_reference(PyObject *self, const char *name, PyObject *value)
{
    PyObject *property = PyObject_GetAttrString(reference, name);
    if (!property) return -1;
    PyObject *result = value ? PyObject_CallMethod(property, "__set__", "OO", self, value)
                             : PyObject_CallMethod(property, "__delete__", "O", self);
    Py_DECREF(property);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static PyObject *
binary_by_reference(int op, PyObject *p, PyObject *q)
{
    if (PyErr_Occurred()) return NULL; /* an operand could not be made */
    int reflected = !IS_NODE(p);
    PyObject *method = reflected ? reflected_reference[op] : binary_reference[op];
    return PyObject_CallFunctionObjArgs(method, reflected ? q : p, reflected ? p : q, NULL);
}

/* --- modes -------------------------------------------------------------------------------------- */

static PyObject *stack_of_modes; /* the context variable of modes.py */
static PyObject *row_of_detached;
static PyObject *name_builds, *name_recorder, *name_frame, *name_nodes;

/* Whether an attribute is None; -1 with an error. */
static int
is_none(PyObject *o, PyObject *name, PyObject **value)
{
    *value = PyObject_GetAttr(o, name);
    if (!*value) return -1;
    Py_DECREF(*value); /* the mode holds it */
    return *value == Py_None;
}

/* The mode, where some context has one: that of another context does not count, and that of
   `no_grad` only computes. A recorder, and the modes of generators, which may be suspended, are
   left to the reference, as are errors. */
static int
look_up_mode(void)
{
    PyObject *modes, *value;
    if (PyContextVar_Get(stack_of_modes, NULL, &modes)) {
        PyErr_Clear();
        return REFERENCE;
    }
    int found = BUILD, decided = 0;
    for (Py_ssize_t i = modes ? PyTuple_GET_SIZE(modes) : 0; i-- > 0 && found != REFERENCE;) {
        PyObject *mode = PyTuple_GET_ITEM(modes, i);
        if (is_none(mode, name_recorder, &value) != 1 || is_none(mode, name_frame, &value) != 1 ||
            is_none(mode, name_nodes, &value) != 1)
            found = REFERENCE;
        else if (!decided && is_none(mode, name_builds, &value) == 0) {
            decided = 1;
            if (value == Py_False) found = COMPUTE;
        }
    }
    if (PyErr_Occurred()) PyErr_Clear();
    Py_XDECREF(modes);
    return found;
}

/* The result of an operation in a mode: where only numbers are computed, without its graph. */
static inline PyObject *
finish(int mode, PyObject *made)
{
    if (mode == BUILD || !made) return made;
    PyObject *leaf = (PyObject *)new_node(row_of_detached, ((Node *)made)->data);
    Py_DECREF(made);
    return leaf;
}

/* --- operands --------------------------------------------------------------------------------- */

/* Read an ordinary number; 0 if it is none, or too large. */
static inline int
read_number(PyObject *o, double *number)
{
    if (PyFloat_CheckExact(o)) {
        *number = PyFloat_AS_DOUBLE(o);
        return 1;
    }
    if (PyLong_CheckExact(o) || PyBool_Check(o)) {
        *number = PyLong_AsDouble(o);
        if (*number == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            return 0;
        }
        return 1;
    }
    if (PyFloat_Check(o)) { /* such as numpy.float64 */
        PyObject *plain = PyNumber_Float(o);
        if (!plain) { /* the reference has a message of its own for this error */
            if (PyErr_ExceptionMatches(PyExc_OverflowError)) PyErr_Clear();
            return 0;
        }
        *number = PyFloat_AS_DOUBLE(plain);
        Py_DECREF(plain);
        return 1;
    }
    return 0;
}

/* A new reference to an operand, a number as a constant; NULL, mostly without an error, if it is
   neither a Value nor an ordinary number. */
static inline Node *
operand(PyObject *o)
{
    double number;
    if (Py_TYPE(o) == ValueType || !read_number(o, &number)) {
        if (!IS_NODE(o)) return NULL;
        Py_INCREF(o);
        return (Node *)o;
    }
    return new_node(row_of_constants, number);
}

/* --- the operators ---------------------------------------------------------------------------- */

#define OPERANDS(op)                                                                             \
    Node *x, *y;                                                                                 \
    int mode = current_mode();                                                                   \
    if (mode == REFERENCE || !(x = operand(p))) return binary_by_reference(op, p, q);            \
    if (!(y = operand(q))) {                                                                     \
        Py_DECREF(x);                                                                            \
        return binary_by_reference(op, p, q);                                                    \
    }                                                                                            \
    double u = x->data, v = y->data;

static PyObject *
node_add(PyObject *p, PyObject *q)
{
    OPERANDS(ADD)
    return finish(mode, new_binary(binary_rows[ADD], u + v, x, y, 1.0, 1.0));
}

static PyObject *
node_subtract(PyObject *p, PyObject *q)
{
    OPERANDS(SUB)
    return finish(mode, new_binary(binary_rows[SUB], u - v, x, y, 1.0, -1.0));
}

static PyObject *
node_multiply(PyObject *p, PyObject *q)
{
    OPERANDS(MUL)
    return finish(mode, new_binary(binary_rows[MUL], u * v, x, y, v, u));
}

static PyObject *
node_true_divide(PyObject *p, PyObject *q)
{
    OPERANDS(DIV)
    if (v == 0.0) {
        Py_DECREF(x);
        Py_DECREF(y);
        return binary_by_reference(DIV, p, q);
    }
    double out = u / v;
    return finish(mode, new_binary(binary_rows[DIV], out, x, y, 1.0 / v, -out / v));
}

/* x to the power y; *plain becomes 0 where Python may say something else than the C library. */
static inline double
positive_power(double x, double y, int *plain)
{
    double out = pow(x, y);
    if (!isnormal(out) && out != 0.0) *plain = 0;
    return out;
}

/* x to the power y and its partials, where all of them are plain: 0 elsewhere. Python's own power
   is that of the absolute value, with the sign put back. */
static int
power(double x, double y, double *out, double *dx, double *dy)
{
    int plain = 1;
    if (!isfinite(x) || !isfinite(y)) return 0;
    if (x < 0.0) {
        if (y != floor(y) || y < 1.0) return 0;
        int odd = fmod(y, 2.0) != 0.0;
        int odd_below = fmod(y - 1.0, 2.0) != 0.0; /* from 2**53 on both may be even */
        double size = positive_power(-x, y, &plain), below = positive_power(-x, y - 1.0, &plain);
        *out = odd ? -size : size;
        *dx = y * (odd_below ? -below : below);
        *dy = NAN;
    } else if (x == 0.0) {
        if (signbit(x) || y < 1.0) return 0;
        *out = positive_power(x, y, &plain);
        *dx = y * positive_power(x, y - 1.0, &plain);
        *dy = 0.0;
    } else {
        *out = positive_power(x, y, &plain);
        if (y >= 1.0)
            *dx = y * positive_power(x, y - 1.0, &plain);
        else if (y >= 0.5)
            *dx = y * (1.0 / positive_power(x, 1.0 - y, &plain));
        else
            *dx = y * *out / x;
        *dy = *out * log(x);
    }
    return plain && isfinite(*dx);
}

static PyObject *
node_power(PyObject *p, PyObject *q, PyObject *modulus)
{
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    OPERANDS(POW)
    double out, dx, dy;
    if (!power(u, v, &out, &dx, &dy)) {
        Py_DECREF(x);
        Py_DECREF(y);
        return binary_by_reference(POW, p, q);
    }
    return finish(mode, new_binary(binary_rows[POW], out, x, y, dx, dy));
}

/* Through pointers, since a compiler that sees both sin and cos calls another function for the two
   together, whose last bit Python's own need not have. */
static double (*volatile sine)(double) = sin;
static double (*volatile cosine)(double) = cos;

/* The value and the derivative of an operation of one operand; 0 where that is left to the row. */
static inline int
unary(int op, double x, double *out, double *dx)
{
    if (!isfinite(x)) return 0;
    switch (op) {
    case NEG:
        *out = -x;
        *dx = -1.0;
        return 1;
    case EXP:
        *dx = *out = exp(x);
        return isfinite(*out);
    case LOG:
        if (x <= 0.0) return 0;
        *out = log(x);
        *dx = 1.0 / x;
        return 1;
    case TANH:
        *out = tanh(x);
        if (x > -1.0 && x < 1.0) {
            *dx = 1.0 - *out * *out;
        } else {
            double e = exp(-2.0 * fabs(x));
            *dx = 4.0 * e / ((1.0 + e) * (1.0 + e));
        }
        return 1;
    case SIGMOID: {
        double e = exp(-fabs(x));
        *out = (x >= 0.0 ? 1.0 : e) / (1.0 + e);
        *dx = e / ((1.0 + e) * (1.0 + e));
        return 1;
    }
    case RELU:
        *out = x <= 0.0 ? 0.0 : x;
        *dx = x > 0.0 ? 1.0 : 0.0;
        return 1;
    case SQRT:
        if (x <= 0.0) return 0;
        *out = sqrt(x);
        *dx = 0.5 * (1.0 / *out);
        return 1;
    case SIN:
        *out = sine(x);
        *dx = cosine(x);
        return 1;
    case COS:
        *out = cosine(x);
        *dx = -sine(x);
        return 1;
    case ABS:
        *out = fabs(x);
        *dx = x == 0.0 ? x : copysign(1.0, x);
        return 1;
    }
    return 0;
}

static PyObject *
apply_unary(PyObject *self, int op)
{
    Node *x = (Node *)self;
    double out, dx;
    int mode = current_mode();
    if (mode != REFERENCE && unary(op, x->data, &out, &dx))
        return finish(mode, new_unary(unary_rows[op], out, x, dx));
    PyObject *inputs = PyTuple_Pack(1, self);
    if (!inputs) return NULL;
    PyObject *result =
        PyObject_CallFunctionObjArgs(apply_reference, self, unary_rows[op], inputs, NULL);
    Py_DECREF(inputs);
    return result;
}

#define UNARY_METHOD(name, op)                                                                   \
    static PyObject *node_##name(PyObject *self, PyObject *Py_UNUSED(_))                         \
    {                                                                                            \
        return apply_unary(self, op);                                                            \
    }
UNARY_METHOD(exp, EXP)
UNARY_METHOD(log, LOG)
UNARY_METHOD(tanh, TANH)
UNARY_METHOD(sigmoid, SIGMOID)
UNARY_METHOD(relu, RELU)
UNARY_METHOD(sqrt, SQRT)
UNARY_METHOD(sin, SIN)
UNARY_METHOD(cos, COS)

static PyObject *
node_negative(PyObject *self)
{
    return apply_unary(self, NEG);
}

static PyObject *
node_absolute(PyObject *self)
{
    return apply_unary(self, ABS);
}

static int
node_bool(PyObject *self)
{
    if (current_mode() != REFERENCE) return ((Node *)self)->data != 0.0;
    PyObject *result = PyObject_CallMethod(reference, "decide", "O", self);
    if (!result) return -1;
    int truth = PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}

/* Whole numbers beyond this are compared as such, not as the float next to them. */
#define LARGEST_EXACT 9007199254740992.0

static PyObject *
node_richcompare(PyObject *self, PyObject *other, int op)
{
    double x = ((Node *)self)->data, y = NAN;
    int plain = current_mode() != REFERENCE;
    if (plain) {
        if (IS_NODE(other))
            y = ((Node *)other)->data;
        else if (PyFloat_CheckExact(other))
            y = PyFloat_AS_DOUBLE(other);
        else
            plain = PyLong_CheckExact(other) && read_number(other, &y) && fabs(y) < LARGEST_EXACT;
    }
    if (!plain) return PyObject_CallFunctionObjArgs(comparison_reference[op], self, other, NULL);
    switch (op) {
    case Py_LT: return PyBool_FromLong(x < y);
    case Py_LE: return PyBool_FromLong(x <= y);
    case Py_EQ: return PyBool_FromLong(x == y);
    case Py_NE: return PyBool_FromLong(x != y);
    case Py_GT: return PyBool_FromLong(x > y);
    default: return PyBool_FromLong(x >= y);
    }
}

static Py_hash_t
node_hash(PyObject *self)
{
    if (current_mode() == REFERENCE) { /* a recording may not let a look-up go by */
        PyObject *found = PyObject_CallFunction(check_access, "Os", self, "looks up by hash");
        if (!found) return -1;
        if (found != Py_None) {
            Py_hash_t hash = PyLong_AsSsize_t(found);
            Py_DECREF(found);
            return hash;
        }
        Py_DECREF(found);
    }
    return PyBaseObject_Type.tp_hash(self); /* of the object, not of the number */
}

/* --- operations of many operands -------------------------------------------------------------- */

static void
drop_many(Many *many, Py_ssize_t filled)
{
    for (Py_ssize_t i = 0; i < filled; i++) Py_DECREF(many->operands[i]);
    Py_XDECREF(many->owner);
    PyMem_Free(many);
}

/* Fill operands `first`, `first + 1`, ... from `count` items of a list or tuple; 0 if one of them
   is unusual. Reading a number may run code of the user, which may change the list. */
static int
fill_operands(Many *many, Py_ssize_t first, PyObject *sequence, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item =
            i < PySequence_Fast_GET_SIZE(sequence) ? PySequence_Fast_GET_ITEM(sequence, i) : NULL;
        Py_XINCREF(item);
        Node *x = item ? operand(item) : NULL;
        Py_XDECREF(item);
        if (!x) {
            for (Py_ssize_t k = 0; k < i; k++) Py_DECREF(many->operands[first + k]);
            return 0;
        }
        many->operands[first + i] = x;
    }
    return 1;
}

/* exp(x - y), with what the rounding of the difference drops. */
static inline double
exp_difference(double x, double y)
{
    double z = x - y, e = exp(z), w = x - z;
    double rest = (x - (z + w)) + (w - y);
    return isinf(e) ? e : e + e * rest;
}

/* Fill the partials, and return the value; *plain is 0 where that is left to the row. */
static double
evaluate_many(int op, Many *many, int *plain)
{
    Py_ssize_t n = many->count;
    Node **x = many->operands;
    double *partials = partials_of(many), out = 0.0;
    *plain = 1;
    switch (op) {
    case SUM:
        for (Py_ssize_t i = 0; i < n; i++) {
            out += x[i]->data;
            partials[i] = 1.0;
        }
        return out;
    case MEAN:
        for (Py_ssize_t i = 0; i < n; i++) {
            out += x[i]->data;
            partials[i] = 1.0 / (double)n;
        }
        return out / (double)n;
    case PROD:
        out = 1.0;
        for (Py_ssize_t i = 0; i < n; i++) { /* the product of those before ... */
            partials[i] = out;
            out *= x[i]->data;
        }
        double after = 1.0;
        for (Py_ssize_t i = n; i-- > 0;) { /* ... times the product of those after */
            partials[i] *= after;
            after *= x[i]->data;
        }
        return out;
    case DOT: {
        Py_ssize_t half = n / 2;
        if (n % 2) {
            out = x[n - 1]->data;
            partials[n - 1] = 1.0;
        }
        for (Py_ssize_t i = 0; i < half; i++) {
            double w = x[i]->data, v = x[half + i]->data;
            out += w * v;
            partials[i] = v;
            partials[half + i] = w;
        }
        return out;
    }
    case LOGSUMEXP: {
        double top = x[0]->data, rest = 0.0, total = 0.0;
        Py_ssize_t first = 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            if (!isfinite(x[i]->data)) {
                *plain = 0;
                return 0.0;
            }
            if (x[i]->data > top) {
                top = x[i]->data;
                first = i;
            }
        }
        for (Py_ssize_t i = 0; i < n; i++)
            if (i != first) rest += exp(x[i]->data - top);
        out = top + log1p(rest);
        for (Py_ssize_t i = 0; i < n; i++) total += partials[i] = exp_difference(x[i]->data, top);
        for (Py_ssize_t i = 0; i < n; i++) partials[i] /= total;
        return out;
    }
    }
    *plain = 0;
    return 0.0;
}

/* Give a new node the operands and partials of `many`, which goes over to it. */
static void
take_operands(Node *n, Many *many)
{
    if ((many->count == 1 || many->count == 2) && !many->owner) {
        n->x = many->operands[0];
        n->dx = partials_of(many)[0];
        if (many->count == 2) {
            n->y = many->operands[1];
            n->dy = partials_of(many)[1];
        }
        PyMem_Free(many);
    } else {
        n->many = many;
    }
}

/* A node with the operands and partials of `many`, which goes over to it or is dropped. */
static Node *
node_of_many(PyObject *row, double data, Many *many)
{
    Node *n = new_node(row, data);
    if (!n) {
        drop_many(many, many->count);
        return NULL;
    }
    take_operands(n, many);
    return n;
}

/* The result on the operands of `many`, which are taken over; NULL without an error where it is
   left to the reference. */
static PyObject *
apply_many(int op, Many *many)
{
    int plain;
    double data = evaluate_many(op, many, &plain);
    if (plain) return (PyObject *)node_of_many(many_rows[op], data, many);
    drop_many(many, many->count);
    return NULL;
}

/* --- rows of the table, whose value and partials are Python ------------------------------------- */

static PyObject *table_rows; /* the set of them; a row of the user goes by the reference */
static PyObject *name_value, *name_partials, *name_arity, *name_apply;

/* Whether the error that is set is one that the reference words, and so makes again. */
static int
is_left_to_reference(void)
{
    return PyErr_ExceptionMatches(PyExc_ArithmeticError) ||
           PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_TypeError);
}

/* Call the value or the partials of a row on floats. */
static PyObject *
call_on_floats(PyObject *row, PyObject *name, PyObject *const *floats, Py_ssize_t count)
{
    PyObject *function = PyObject_GetAttr(row, name);
    if (!function) return NULL;
    PyObject *result = PyObject_Vectorcall(function, floats, (size_t)count, NULL);
    Py_DECREF(function);
    return result;
}

/* Fill the partials, and return whether there is a plain value; -1 with an error. */
static int
evaluate_row(PyObject *row, Many *many, double *data)
{
    Py_ssize_t n = many->count, made = 0;
    PyObject *few[4], **floats = n < 4 ? few : PyMem_Malloc(((size_t)n + 1) * sizeof(PyObject *));
    PyObject *out = NULL, *slopes = NULL;
    int plain = 0;
    if (!floats) {
        PyErr_NoMemory();
        return -1;
    }
    while (made < n && (floats[made] = PyFloat_FromDouble(many->operands[made]->data))) made++;
    if (made == n) out = call_on_floats(row, name_value, floats, n);
    if (out && PyFloat_CheckExact(out)) {
        *data = PyFloat_AS_DOUBLE(out);
        floats[n] = out;
        slopes = call_on_floats(row, name_partials, floats, n + 1);
    }
    if (slopes && (PyTuple_CheckExact(slopes) || PyList_CheckExact(slopes)))
        plain = PySequence_Fast_GET_SIZE(slopes) == n;
    for (Py_ssize_t i = 0; plain && i < n; i++) {
        PyObject *slope = PySequence_Fast_GET_ITEM(slopes, i);
        plain = PyFloat_CheckExact(slope);
        if (plain) partials_of(many)[i] = PyFloat_AS_DOUBLE(slope);
    }
    Py_XDECREF(slopes);
    Py_XDECREF(out);
    while (made-- > 0) Py_DECREF(floats[made]);
    if (floats != few) PyMem_Free(floats);
    if (!PyErr_Occurred()) return plain;
    if (!is_left_to_reference()) return -1;
    PyErr_Clear();
    return 0;
}

/* The result of a row of the table; NULL without an error where it is left to the reference. */
static PyObject *
apply_row(PyObject *row, PyObject *inputs)
{
    Py_ssize_t count = PyTuple_GET_SIZE(inputs);
    int known = count ? PySet_Contains(table_rows, row) : 0;
    Many *many = known > 0 ? new_many(count) : NULL;
    if (!many) return NULL;
    if (!fill_operands(many, 0, inputs, count)) {
        PyMem_Free(many);
        return NULL;
    }
    double data;
    if (evaluate_row(row, many, &data) > 0) return (PyObject *)node_of_many(row, data, many);
    drop_many(many, count);
    return NULL;
}

static PyObject *
node_apply(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    int mode = current_mode();
    if (nargs == 2 && mode != REFERENCE && PyTuple_CheckExact(args[1])) {
        PyObject *row = args[0], *inputs = args[1];
        Py_ssize_t count = PyTuple_GET_SIZE(inputs);
        double out, dx;
        if (count == 1) {
            PyObject *x = PyTuple_GET_ITEM(inputs, 0);
            for (int op = 0; IS_NODE(x) && op < UNARY_COUNT; op++)
                if (row == unary_rows[op]) {
                    if (!unary(op, ((Node *)x)->data, &out, &dx)) break;
                    return finish(mode, new_unary(row, out, (Node *)x, dx));
                }
        }
        for (int op = 0; op < MANY_COUNT && count; op++)
            if (row == many_rows[op]) {
                Many *many = new_many(count);
                if (!many) return NULL;
                if (!fill_operands(many, 0, inputs, count)) {
                    PyMem_Free(many);
                    if (PyErr_Occurred()) return NULL;
                    break;
                }
                PyObject *result = apply_many(op, many);
                if (result || PyErr_Occurred()) return finish(mode, result);
                break;
            }
        PyObject *result = apply_row(row, inputs);
        if (result || PyErr_Occurred()) return finish(mode, result);
    }
    PyObject *values = PyTuple_New(nargs + 1);
    if (!values) return NULL;
    Py_INCREF(self);
    PyTuple_SET_ITEM(values, 0, self);
    for (Py_ssize_t i = 0; i < nargs; i++) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(values, i + 1, args[i]);
    }
    PyObject *result = PyObject_Call(apply_reference, values, NULL);
    Py_DECREF(values);
    return result;
}

static PyObject *call_reference_of_rows; /* Primitive.__call__ of rows.py */

/* The call of a row, `sg.tanh(x)`: Primitive.__call__. */
static PyObject *
module_call_row(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *row = nargs ? args[0] : NULL, *found = NULL;
    Py_ssize_t floats = 0, count = nargs - 1;
    int other = 0;
    for (Py_ssize_t i = 1; i < nargs; i++) {
        floats += PyFloat_CheckExact(args[i]);
        if (IS_NODE(args[i])) {
            if (!found) found = args[i];
        } else if (!PyFloat_Check(args[i]) && !PyLong_Check(args[i])) {
            other = 1; /* perhaps a symbol, which comes before a Value in the reference too */
        }
    }
    double out, dx;
    int mode = found ? current_mode() : BUILD;
    if (found && count == 1 && mode != REFERENCE)
        for (int op = 0; op < UNARY_COUNT; op++)
            if (row == unary_rows[op] && unary(op, ((Node *)found)->data, &out, &dx))
                return finish(mode, new_unary(row, out, (Node *)found, dx));
    if (count > 0 && (floats == count || (found && !other))) {
        int known = PySet_Contains(table_rows, row);
        PyObject *arity = known > 0 ? PyObject_GetAttr(row, name_arity) : NULL;
        int fits = arity && (arity == Py_None || PyLong_AsSsize_t(arity) == count);
        Py_XDECREF(arity);
        PyObject *result = NULL;
        if (fits && found) {
            PyObject *inputs = PyTuple_New(count);
            for (Py_ssize_t i = 0; inputs && i < count; i++)
                PyTuple_SET_ITEM(inputs, i, Py_NewRef(args[i + 1]));
            PyObject *const call[] = {found, row, inputs};
            if (inputs) result = PyObject_VectorcallMethod(name_apply, call, 3, NULL);
            Py_XDECREF(inputs);
            return result;
        }
        if (fits) result = call_on_floats(row, name_value, args + 1, count);
        if (result && PyFloat_CheckExact(result)) return result;
        Py_XDECREF(result);
        if (PyErr_Occurred()) {
            if (!is_left_to_reference()) return NULL;
            PyErr_Clear();
        }
    }
    return PyObject_Vectorcall(call_reference_of_rows, args, (size_t)nargs, NULL);
}

/* The node of w1 x1 + ... + wn xn (+ bias) for lists of the same length; NULL, mostly without an
   error, where that is left to the reference. */
static PyObject *
dot(PyObject *ws, PyObject *xs, PyObject *bias)
{
    int mode = current_mode();
    if (!PyList_CheckExact(ws) || !PyList_CheckExact(xs) || mode == REFERENCE) return NULL;
    Py_ssize_t count = PyList_GET_SIZE(ws);
    int biased = bias != Py_None;
    if (!count || PyList_GET_SIZE(xs) != count || (biased && !IS_NODE(bias))) return NULL;
    Many *many = new_many(2 * count + biased);
    if (!many) return NULL;
    if (!fill_operands(many, 0, ws, count)) {
        PyMem_Free(many);
        return NULL;
    }
    if (!fill_operands(many, count, xs, count)) {
        drop_many(many, count);
        return NULL;
    }
    if (biased) {
        Py_INCREF(bias);
        many->operands[2 * count] = (Node *)bias;
    }
    return finish(mode, apply_many(DOT, many));
}

static PyObject *neuron_reference; /* the function of reductions.py */

/* neuron(ws, xs, numbers, bias, activation); see reductions.py. The numbers are those of xs, which
   only the reference needs. */
static PyObject *
module_neuron(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *z = nargs == 5 ? dot(args[0], args[1], args[3]) : NULL;
    if (!z)
        return PyErr_Occurred() ? NULL : PyObject_Vectorcall(neuron_reference, args, nargs, NULL);
    PyObject *activation = args[4], *out;
    if (activation == Py_None) return z;
    double value, slope;
    for (int op = 0; op < UNARY_COUNT; op++)
        if (activation == unary_rows[op] && unary(op, ((Node *)z)->data, &value, &slope)) {
            out = new_unary(activation, value, (Node *)z, slope);
            Py_DECREF(z);
            return out;
        }
    out = PyObject_CallOneArg(activation, z);
    Py_DECREF(z);
    return out;
}

static PyObject *
module_setup_neuron(PyObject *Py_UNUSED(module), PyObject *function)
{
    Py_INCREF(function);
    Py_XSETREF(neuron_reference, function);
    Py_RETURN_NONE;
}

/* --- making nodes from Python ------------------------------------------------------------------ */

static PyObject *
node_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords))
{
    if (type == ValueType) return (PyObject *)new_node(NULL, 0.0);
    if (ValueType && PyType_IsSubtype(type, ValueType)) /* whose `__init_subclass__` did not run */
        return PyErr_Format(PyExc_TypeError, "%.80s cannot be subclassed", ValueType->tp_name);
    return type->tp_alloc(type, 0); /* filled with zeros */
}

static void
set_label(Node *n, PyObject *label)
{
    PyObject *before = n->label;
    if (label && PyUnicode_CheckExact(label) && !PyUnicode_GET_LENGTH(label)) label = NULL;
    Py_XINCREF(label);
    n->label = label;
    Py_XDECREF(before);
}

/* Make a node a leaf of the user. */
static void
fill(Node *n, double data, PyObject *label)
{
    PyObject *row = n->row;
    n->data = data;
    n->grad = 0.0;
    n->row = NULL;
    set_label(n, label);
    Py_XDECREF(row);
    if (!IS_LEAF(n)) forget_operands(n);
}

static int
node_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (!keywords && (count == 1 || count == 2) && !PyDict_GET_SIZE(watching)) {
        PyObject *data = PyTuple_GET_ITEM(args, 0);
        PyObject *label = count == 2 ? PyTuple_GET_ITEM(args, 1) : NULL;
        double number;
        if ((!label || PyUnicode_Check(label)) && read_number(data, &number)) {
            fill((Node *)self, number, label);
            return 0;
        }
        if (PyErr_Occurred()) return -1;
    }
    PyObject *all = PyTuple_New(count + 1);
    if (!all) return -1;
    Py_INCREF(self);
    PyTuple_SET_ITEM(all, 0, self);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(args, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(all, i + 1, item);
    }
    PyObject *result = call_reference("__init__", all, keywords);
    Py_DECREF(all);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int
is_node(PyObject *o, const char *caller)
{
    if (IS_NODE(o)) return 1;
    PyErr_Format(PyExc_TypeError, "%s takes nodes, got %.80s", caller, Py_TYPE(o)->tp_name);
    return 0;
}

static PyObject *
module_fill(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *node, *label;
    double data;
    if (!PyArg_ParseTuple(args, "OdO", &node, &data, &label) || !is_node(node, "fill")) return NULL;
    fill((Node *)node, data, label);
    Py_RETURN_NONE;
}

static PyObject *
module_leaf(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) return PyErr_Format(PyExc_TypeError, "leaf takes 2 arguments, got %zd", nargs);
    double data = PyFloat_AsDouble(args[0]);
    if (data == -1.0 && PyErr_Occurred()) return NULL;
    return (PyObject *)new_node(args[1] == Py_None ? NULL : args[1], data);
}

static PyObject *
module_binary(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 6)
        return PyErr_Format(PyExc_TypeError, "binary takes 6 arguments, got %zd", nargs);
    double data = PyFloat_AsDouble(args[1]), dx = PyFloat_AsDouble(args[4]),
           dy = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred() || !is_node(args[2], "binary") || !is_node(args[3], "binary")) return NULL;
    Py_INCREF(args[2]);
    Py_INCREF(args[3]);
    return new_binary(args[0], data, (Node *)args[2], (Node *)args[3], dx, dy);
}

/* The operands of a new node, from a list or tuple of nodes; NULL with an error if it is none. */
static Many *
operands_from(PyObject *sequence, const char *caller)
{
    PyObject *items = PySequence_Fast(sequence, "the operands must be a list or tuple of nodes");
    if (!items) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    Many *many = new_many(count);
    for (Py_ssize_t i = 0; many && i < count; i++) {
        PyObject *x = PySequence_Fast_GET_ITEM(items, i);
        if (!is_node(x, caller)) {
            drop_many(many, i);
            many = NULL;
        } else {
            Py_INCREF(x);
            many->operands[i] = (Node *)x;
        }
    }
    Py_DECREF(items);
    return many;
}

static PyObject *
module_nary(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"row", "data", "operands", "partials", "label", "grad", NULL};
    PyObject *row, *operands, *partials, *label = NULL;
    double data, grad = 0.0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OdOO|Od", names, &row, &data, &operands,
                                     &partials, &label, &grad))
        return NULL;
    PyObject *slopes = PySequence_Tuple(partials); /* nobody can change it meanwhile */
    if (!slopes) return NULL;
    Many *many = operands_from(operands, "nary");
    if (many && PySequence_Fast_GET_SIZE(slopes) != many->count) {
        PyErr_Format(PyExc_ValueError, "%zd partials for %zd operands",
                     PySequence_Fast_GET_SIZE(slopes), many->count);
        drop_many(many, many->count);
        many = NULL;
    }
    for (Py_ssize_t i = 0; many && i < many->count; i++) {
        double slope = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(slopes, i));
        if (slope == -1.0 && PyErr_Occurred()) {
            drop_many(many, many->count);
            many = NULL;
        } else {
            partials_of(many)[i] = slope;
        }
    }
    Py_DECREF(slopes);
    if (!many) return NULL;
    if (!many->count) {
        PyMem_Free(many);
        many = NULL;
    }
    if (row == Py_None) row = NULL;
    Node *n = many ? node_of_many(row, data, many) : new_node(row, data);
    if (!n) return NULL;
    n->grad = grad;
    if (label) set_label(n, label);
    return (PyObject *)n;
}

static PyObject *
module_without_partials(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *row, *operands, *owner;
    double data;
    if (!PyArg_ParseTuple(args, "OdOO", &row, &data, &operands, &owner)) return NULL;
    Many *many = operands_from(operands, "without_partials");
    if (!many) return NULL;
    Py_INCREF(owner);
    many->owner = owner;
    return (PyObject *)node_of_many(row, data, many);
}

static PyObject *
module_owner_of(PyObject *Py_UNUSED(module), PyObject *node)
{
    if (!is_node(node, "owner_of")) return NULL;
    Node *n = (Node *)node;
    PyObject *owner = !n->x && n->many && n->many->owner ? n->many->owner : Py_None;
    Py_INCREF(owner);
    return owner;
}

/* --- attributes -------------------------------------------------------------------------------- */

/* `data` and `grad`: the name of the property, and where its number stands. */
typedef struct {
    const char *name;
    size_t offset;
} Field;

static Field data_field = {"data", offsetof(Node, data)}, grad_field = {"grad", offsetof(Node, grad)};

static PyObject *
get_number(PyObject *self, void *closure)
{
    Field *field = closure;
    if (current_mode() == REFERENCE) return read_by_reference(self, field->name);
    return PyFloat_FromDouble(*(double *)((char *)self + field->offset));
}

static int
set_number(PyObject *self, PyObject *value, void *closure)
{
    Field *field = closure;
    if (current_mode() == REFERENCE || !value || !PyFloat_CheckExact(value))
        return set_by_reference(self, field->name, value);
    *(double *)((char *)self + field->offset) = PyFloat_AS_DOUBLE(value);
    return 0;
}

static PyObject *
get_row(PyObject *self, void *Py_UNUSED(_))
{
    PyObject *row = ((Node *)self)->row;
    if (!row) row = Py_None;
    Py_INCREF(row);
    return row;
}

static PyObject *
get_label(PyObject *self, void *Py_UNUSED(_))
{
    PyObject *label = ((Node *)self)->label;
    if (!label) return PyUnicode_FromStringAndSize(NULL, 0);
    Py_INCREF(label);
    return label;
}

static int
put_label(PyObject *self, PyObject *value, void *Py_UNUSED(_))
{
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "label cannot be deleted; set it to \"\"");
        return -1;
    }
    set_label((Node *)self, value);
    return 0;
}

/* Making a tuple may run the collector, and so code of the user, which may call `__init__`. */
static PyObject *
changed_meanwhile(PyObject *tuple)
{
    Py_DECREF(tuple);
    PyErr_SetString(PyExc_RuntimeError, "a node was changed while its operands were read");
    return NULL;
}

static PyObject *
get_parents(PyObject *self, void *Py_UNUSED(_))
{
    Node *n = (Node *)self;
    Py_ssize_t count = count_of_operands(n);
    PyObject *parents = PyTuple_New(count);
    if (parents && count_of_operands(n) != count) return changed_meanwhile(parents);
    if (parents && n->x) {
        Py_INCREF(n->x);
        PyTuple_SET_ITEM(parents, 0, (PyObject *)n->x);
        if (!n->y) return parents;
        Py_INCREF(n->y);
        PyTuple_SET_ITEM(parents, 1, (PyObject *)n->y);
        return parents;
    }
    for (Py_ssize_t i = 0; parents && i < count; i++) {
        Py_INCREF(n->many->operands[i]);
        PyTuple_SET_ITEM(parents, i, (PyObject *)n->many->operands[i]);
    }
    return parents;
}

static PyObject *
get_partials(PyObject *self, void *Py_UNUSED(_))
{
    Node *n = (Node *)self;
    if (current_mode() == REFERENCE) {
        PyObject *done = PyObject_CallFunction(check_access, "Os", self, "reads .partials of");
        if (!done) return NULL;
        Py_DECREF(done);
    }
    if (n->y) return Py_BuildValue("(dd)", n->dx, n->dy);
    if (n->x) return Py_BuildValue("(d)", n->dx);
    if (n->many && n->many->owner) {
        Py_INCREF(n->many->owner);
        return n->many->owner;
    }
    Py_ssize_t count = count_of_operands(n);
    PyObject *partials = PyTuple_New(count);
    if (partials && count_of_operands(n) != count) return changed_meanwhile(partials);
    for (Py_ssize_t i = 0; partials && i < count; i++) {
        PyObject *slope = PyFloat_FromDouble(partials_of(n->many)[i]);
        if (!slope) {
            Py_DECREF(partials);
            return NULL;
        }
        PyTuple_SET_ITEM(partials, i, slope);
    }
    return partials;
}

/* As the slots of the Python node, for its function `order`. */
static PyObject *
get_x(PyObject *self, void *_)
{
    Node *n = (Node *)self;
    if (!n->y) return get_parents(self, _);
    Py_INCREF(n->x);
    return (PyObject *)n->x;
}

static PyObject *
get_y(PyObject *self, void *Py_UNUSED(_))
{
    PyObject *y = ((Node *)self)->y ? (PyObject *)((Node *)self)->y : Py_None;
    Py_INCREF(y);
    return y;
}

static PyObject *
node_sizeof(PyObject *self, PyObject *Py_UNUSED(_))
{
    Node *n = (Node *)self;
    size_t size = (size_t)Py_TYPE(self)->tp_basicsize;
    if (!n->x && n->many)
        size += sizeof(Many) + (size_t)n->many->count * (sizeof(Node *) + sizeof(double));
    return PyLong_FromSize_t(size);
}

/* --- walks ------------------------------------------------------------------------------------- */

/* A growing array of pointers to nodes. In a stack the lowest bit says that the operands of the
   node are done. The nodes are kept alive by the outputs. */
typedef struct {
    Node **items;
    size_t count, space;
} Nodes;

#define DONE ((uintptr_t)1)

static int
make_room(Nodes *nodes, size_t more)
{
    if (nodes->count + more <= nodes->space) return 1;
    size_t space = nodes->space ? nodes->space : 512;
    while (space < nodes->count + more) space *= 2;
    Node **items = PyMem_RawRealloc(nodes->items, space * sizeof(Node *));
    if (!items) {
        PyErr_NoMemory();
        return 0;
    }
    nodes->items = items;
    nodes->space = space;
    ask_for_huge_pages(items, space * sizeof(Node *));
    return 1;
}

static inline int
push(Nodes *nodes, Node *n)
{
    if (nodes->count == nodes->space && !make_room(nodes, 1)) return 0;
    nodes->items[nodes->count++] = n;
    return 1;
}

/* Raise the error of an owner, which stands for partials that are not known. */
static void
raise_of_owner(PyObject *owner)
{
    PyObject *iterator = PyObject_GetIter(owner);
    if (iterator) {
        Py_DECREF(iterator);
        PyErr_SetString(PyExc_RuntimeError, "the partials of a node are not known");
    }
}

/* Append the nodes with operands of the graph of `root` to `found`, operands first. Leaves take no
   part in it: nothing flows on from them. */
static int
order_of_inner(Node *root, Nodes *found)
{
    Nodes stack = {NULL, 0, 0};
    uint64_t mark = ++clock_of_marks;
    int fine = IS_LEAF(root) || push(&stack, root);
    while (fine && stack.count) {
        Node *n = stack.items[--stack.count];
        if ((uintptr_t)n & DONE) {
            fine = push(found, (Node *)((uintptr_t)n & ~DONE));
            continue;
        }
        if (n->mark == mark) continue;
        n->mark = mark;
        Node *x = n->x, *y = n->y;
        if (x) {
            if (!(fine = make_room(&stack, 3))) break;
            Node **top = stack.items + stack.count;
            *top++ = (Node *)((uintptr_t)n | DONE);
            if (y && y->mark != mark && !IS_LEAF(y)) *top++ = y;
            if (x->mark != mark && !IS_LEAF(x)) *top++ = x;
            stack.count = (size_t)(top - stack.items);
            continue;
        }
        Many *many = n->many;
        if (many->owner) {
            raise_of_owner(many->owner);
            fine = 0;
            break;
        }
        if (!(fine = make_room(&stack, (size_t)many->count + 1))) break;
        stack.items[stack.count++] = (Node *)((uintptr_t)n | DONE);
        for (Py_ssize_t i = many->count; i-- > 0;) {
            Node *operand = many->operands[i];
            if (operand->mark != mark && !IS_LEAF(operand)) stack.items[stack.count++] = operand;
        }
    }
    PyMem_RawFree(stack.items);
    return fine;
}

/* The memory of a node far ahead is asked for early: 10^6 nodes do not fit in a cache. */
#define AHEAD 16
#if defined(__GNUC__)
#define PREFETCH(n) (__builtin_prefetch(n), __builtin_prefetch((char *)(n) + 63))
#else
#define PREFETCH(n) ((void)0)
#endif

/* Add to the gradient of a node. An inner node that still has the mark of this walk was not
   reached before. */
static inline void
add_gradient(Node *n, uint64_t mark, double term)
{
    if (n->mark == mark) {
        n->mark = mark + 1;
        n->grad = 0.0 + term;
    } else if (term != 0.0) {
        n->grad += term;
    }
}

/* By row, which partials of zero say that the operand was not used: True, or a tuple of ints. */
static PyObject *unused_rules, *row_xlogy;
static PyTypeObject *PrimitiveType;

static int
is_plain_zero(Node *n)
{
    return n->row == row_of_constants && n->data == 0.0;
}

/* Whether partial k of a node, which is zero, says that the operand was not used; see `unused` in
   rows.py. A product with the plain number 0 does not use its other factors. */
static int
is_unused(Node *n, Py_ssize_t k)
{
    PyObject *row = n->row;
    if (row == unary_rows[RELU]) return 1;
    Node *two[] = {n->x, n->y}, **operands = n->x ? two : n->many->operands;
    Py_ssize_t count = count_of_operands(n), half = count / 2;
    if (row == binary_rows[MUL] && count == 2) return is_plain_zero(operands[1 - k]);
    if (row == binary_rows[POW] && count == 2) return !k && is_plain_zero(operands[1]);
    if (row == row_xlogy && count == 2) return k && is_plain_zero(operands[0]);
    if (row == many_rows[DOT])
        return k < 2 * half && is_plain_zero(operands[(k + half) % (2 * half)]);
    if (row == many_rows[PROD]) {
        for (Py_ssize_t i = 0; i < count; i++)
            if (i != k && is_plain_zero(operands[i])) return 1;
        return 0;
    }
    PyObject *rule = NULL;
    if (row && Py_TYPE(row) == PrimitiveType) rule = PyDict_GetItem(unused_rules, row);
    if (!rule || rule == Py_True) return rule != NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rule); i++)
        if (PyLong_AsSsize_t(PyTuple_GET_ITEM(rule, i)) == k) return 1;
    return 0;
}

static PyObject *
module_is_unused(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) return PyErr_Format(PyExc_TypeError, "is_unused takes 2 arguments");
    if (!is_node(args[0], "is_unused")) return NULL;
    Node *n = (Node *)args[0];
    Py_ssize_t k = PyLong_AsSsize_t(args[1]);
    Py_ssize_t count = count_of_operands(n);
    if (k == -1 && PyErr_Occurred()) return NULL;
    if (k < 0 || k >= count) {
        PyErr_SetString(PyExc_ValueError, "is_unused: there is no such operand");
        return NULL;
    }
    return PyBool_FromLong(is_unused(n, k));
}

static PyObject *
module_backward(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "backward takes 2 arguments, got %zd", nargs);
    double seed = PyFloat_AsDouble(args[1]);
    if ((seed == -1.0 && PyErr_Occurred()) || !is_node(args[0], "backward")) return NULL;
    Node *output = (Node *)args[0];
    Nodes nodes = {NULL, 0, 0};
    if (!order_of_inner(output, &nodes)) {
        PyMem_RawFree(nodes.items);
        return NULL;
    }
    add_gradient(output, clock_of_marks, seed);
    for (size_t i = nodes.count; i-- > 0;) {
        Node *n = nodes.items[i];
        if (i >= AHEAD) PREFETCH(nodes.items[i - AHEAD]);
        if (n->mark == clock_of_marks) { /* nothing arrived here */
            n->grad = 0.0;
            continue;
        }
        double g = n->grad;
        if (n->x) {
            if (n->dx != 0.0 || !is_unused(n, 0)) add_gradient(n->x, clock_of_marks, g * n->dx);
            if (n->y && (n->dy != 0.0 || !is_unused(n, 1)))
                add_gradient(n->y, clock_of_marks, g * n->dy);
        } else {
            Many *many = n->many;
            double *partials = partials_of(many);
            for (Py_ssize_t k = 0; k < many->count; k++)
                if (partials[k] != 0.0 || !is_unused(n, k))
                    add_gradient(many->operands[k], clock_of_marks, g * partials[k]);
        }
    }
    clock_of_marks++; /* the mark of nodes at which something arrived */
    PyMem_RawFree(nodes.items);
    Py_RETURN_NONE;
}

/* Append all nodes of the graphs of `outputs` to `found`, operands first. Nodes with a mark from
   `first` on count as seen; the node at index i of `found` gets the mark first + 1 + i. */
static int
order_of_all(PyObject *outputs, uint64_t first, Nodes *found)
{
    Nodes stack = {NULL, 0, 0};
    int fine = 1;
    for (Py_ssize_t k = 0; fine && k < PySequence_Fast_GET_SIZE(outputs); k++) {
        PyObject *output = PySequence_Fast_GET_ITEM(outputs, k);
        if (!is_node(output, "a graph")) {
            fine = 0;
            break;
        }
        fine = push(&stack, (Node *)output);
        while (fine && stack.count) {
            Node *n = stack.items[--stack.count];
            if ((uintptr_t)n & DONE) {
                n = (Node *)((uintptr_t)n & ~DONE);
                n->mark = first + 1 + found->count;
                fine = push(found, n);
                continue;
            }
            if (n->mark >= first) continue;
            n->mark = first;
            Py_ssize_t count = count_of_operands(n);
            if (!count) {
                n->mark = first + 1 + found->count;
                fine = push(found, n);
                continue;
            }
            if (!(fine = make_room(&stack, (size_t)count + 1))) break;
            stack.items[stack.count++] = (Node *)((uintptr_t)n | DONE);
            if (n->x) {
                if (n->y) stack.items[stack.count++] = n->y;
                stack.items[stack.count++] = n->x;
                continue;
            }
            for (Py_ssize_t i = count; i-- > 0;)
                if (n->many->operands[i]->mark < first)
                    stack.items[stack.count++] = n->many->operands[i];
        }
    }
    PyMem_RawFree(stack.items);
    clock_of_marks = first + 1 + found->count;
    return fine;
}

static PyObject *
list_of(Nodes *nodes)
{
    /* owned before there is a list, since making it may run the collector, and so code of the user */
    for (size_t i = 0; i < nodes->count; i++) Py_INCREF(nodes->items[i]);
    PyObject *list = PyList_New((Py_ssize_t)nodes->count);
    for (size_t i = 0; i < nodes->count; i++) {
        if (list)
            PyList_SET_ITEM(list, (Py_ssize_t)i, (PyObject *)nodes->items[i]);
        else
            Py_DECREF(nodes->items[i]);
    }
    return list;
}

static PyObject *
module_order(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || !PySet_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "order takes the outputs and a set");
        return NULL;
    }
    if (PySet_GET_SIZE(args[1])) /* which may be large: node by node it is asked */
        return PyObject_CallFunctionObjArgs(order_reference, args[0], args[1], NULL);
    PyObject *outputs = PySequence_Fast(args[0], "order takes a list of nodes");
    if (!outputs) return NULL;
    Nodes found = {NULL, 0, 0};
    PyObject *list = NULL;
    if (order_of_all(outputs, clock_of_marks + 1, &found)) list = list_of(&found);
    PyMem_RawFree(found.items);
    Py_DECREF(outputs);
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++)
        if (PySet_Add(args[1], PyList_GET_ITEM(list, i))) Py_CLEAR(list);
    return list;
}

/* array.array(code, bytes) */
static PyObject *
array_of(const char *code, const void *items, size_t size)
{
    static PyObject *type;
    if (!type) {
        PyObject *module = PyImport_ImportModule("array");
        if (!module) return NULL;
        type = PyObject_GetAttrString(module, "array");
        Py_DECREF(module);
        if (!type) return NULL;
    }
    return PyObject_CallFunction(type, "sy#", code, size ? items : "", (Py_ssize_t)size);
}

/* linear(outputs, inputs): the nodes as a list, starts and operands as arrays of "q". */
static PyObject *
module_linear(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) return PyErr_Format(PyExc_TypeError, "linear takes 2 arguments, got %zd", nargs);
    PyObject *inputs = NULL, *nodes = NULL, *starts = NULL, *edges = NULL, *result = NULL;
    PyObject *outputs = PySequence_Fast(args[0], "linear takes a list of outputs");
    if (outputs) inputs = PySequence_Fast(args[1], "linear takes a list of inputs");
    Nodes found = {NULL, 0, 0};
    int64_t *first_edges = NULL, *operands = NULL;
    if (!inputs) goto done;
    uint64_t first = clock_of_marks + 1;
    size_t count_of_inputs = (size_t)PySequence_Fast_GET_SIZE(inputs);
    for (size_t i = 0; i < count_of_inputs; i++) {
        PyObject *x = PySequence_Fast_GET_ITEM(inputs, (Py_ssize_t)i);
        if (!is_node(x, "linear") || !push(&found, (Node *)x)) goto done;
        ((Node *)x)->mark = clock_of_marks = first + 1 + i;
    }
    if (!order_of_all(outputs, first, &found)) goto done;
    size_t edge_count = 0;
    for (size_t i = count_of_inputs; i < found.count; i++) {
        Node *n = found.items[i];
        edge_count += (size_t)count_of_operands(n);
    }
    first_edges = PyMem_RawMalloc((found.count + 1) * sizeof(int64_t));
    operands = PyMem_RawMalloc((edge_count + 1) * sizeof(int64_t));
    if (!first_edges || !operands) {
        PyErr_NoMemory();
        goto done;
    }
    size_t e = 0;
#define INDEX(n) ((int64_t)((n)->mark - first - 1))
    for (size_t i = 0; i < found.count; i++) {
        Node *n = found.items[i];
        first_edges[i] = (int64_t)e;
        if (i < count_of_inputs) continue;
        if (n->x) {
            operands[e++] = INDEX(n->x);
            if (n->y) operands[e++] = INDEX(n->y);
        } else if (n->many) {
            for (Py_ssize_t k = 0; k < n->many->count; k++) operands[e++] = INDEX(n->many->operands[k]);
        }
    }
#undef INDEX
    first_edges[found.count] = (int64_t)e;
    nodes = list_of(&found);
    if (nodes) starts = array_of("q", first_edges, (found.count + 1) * sizeof(int64_t));
    if (starts) edges = array_of("q", operands, e * sizeof(int64_t));
    if (edges) result = PyTuple_Pack(3, nodes, starts, edges);
done:
    Py_XDECREF(outputs);
    Py_XDECREF(inputs);
    Py_XDECREF(nodes);
    Py_XDECREF(starts);
    Py_XDECREF(edges);
    PyMem_RawFree(found.items);
    PyMem_RawFree(first_edges);
    PyMem_RawFree(operands);
    return result;
}

/* partials(nodes, starts): the local derivative on each edge, as an array of "d". */
static PyObject *
module_partials(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "partials takes 2 arguments, got %zd", nargs);
    PyObject *nodes = PySequence_Fast(args[0], "partials takes a list of nodes");
    PyObject *starts = nodes ? PySequence_Fast(args[1], "partials takes a list of starts") : NULL;
    PyObject *result = NULL;
    double *slopes = NULL;
    if (!starts) goto done;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(nodes);
    if (PySequence_Fast_GET_SIZE(starts) != count + 1) {
        PyErr_SetString(PyExc_ValueError, "partials takes one start more than nodes");
        goto done;
    }
    Py_ssize_t all = PyLong_AsSsize_t(PySequence_Fast_GET_ITEM(starts, count)), before = 0, e = 0;
    if (all == -1 && PyErr_Occurred()) goto done;
    slopes = PyMem_RawMalloc(((size_t)(all < 0 ? 0 : all) + 1) * sizeof(double));
    if (!slopes) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t end = PyLong_AsSsize_t(PySequence_Fast_GET_ITEM(starts, i + 1));
        if (end == -1 && PyErr_Occurred()) goto done;
        if (end == before) continue;
        if (!is_node(PySequence_Fast_GET_ITEM(nodes, i), "partials")) goto done;
        Node *n = (Node *)PySequence_Fast_GET_ITEM(nodes, i);
        Py_ssize_t own = count_of_operands(n);
        if (end - before != own || end > all) {
            PyErr_SetString(PyExc_ValueError, "partials: the starts are not those of the nodes");
            goto done;
        }
        before = end;
        if (n->x) {
            slopes[e++] = n->dx;
            if (n->y) slopes[e++] = n->dy;
        } else if (n->many->owner) {
            raise_of_owner(n->many->owner);
            goto done;
        } else {
            for (Py_ssize_t k = 0; k < own; k++) slopes[e++] = partials_of(n->many)[k];
        }
    }
    result = array_of("d", slopes, (size_t)e * sizeof(double));
done:
    Py_XDECREF(nodes);
    Py_XDECREF(starts);
    PyMem_RawFree(slopes);
    return result;
}

/* --- many nodes at once ------------------------------------------------------------------------ */

/* A list or tuple of nodes, or NULL with an error. */
static PyObject *
sequence_of_nodes(PyObject *o, const char *caller)
{
    PyObject *nodes = PySequence_Fast(o, "takes a list of nodes");
    for (Py_ssize_t i = 0; nodes && i < PySequence_Fast_GET_SIZE(nodes); i++)
        if (!is_node(PySequence_Fast_GET_ITEM(nodes, i), caller)) Py_CLEAR(nodes);
    return nodes;
}

#define NODE_AT(nodes, i) ((Node *)PySequence_Fast_GET_ITEM(nodes, i))

static PyObject *
read_many(PyObject *o, size_t offset)
{
    PyObject *nodes = sequence_of_nodes(o, offset == offsetof(Node, data) ? "numbers" : "gradients");
    if (!nodes) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(nodes);
    PyObject *list = PyList_New(count); /* may run the collector, and so code of the user */
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *number = NULL;
        if (i >= PySequence_Fast_GET_SIZE(nodes) || !IS_NODE(PySequence_Fast_GET_ITEM(nodes, i)))
            PyErr_SetString(PyExc_RuntimeError, "the list of nodes changed while it was read");
        else
            number = PyFloat_FromDouble(*(double *)((char *)NODE_AT(nodes, i) + offset));
        if (!number) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, number);
    }
    Py_DECREF(nodes);
    return list;
}

static PyObject *
module_numbers(PyObject *Py_UNUSED(module), PyObject *o)
{
    return read_many(o, offsetof(Node, data));
}

static PyObject *
module_gradients(PyObject *Py_UNUSED(module), PyObject *o)
{
    return read_many(o, offsetof(Node, grad));
}

/* Copy a list of numbers, or a buffer of doubles, to `to`; -1 with an error. */
static int
read_doubles(PyObject *o, Py_ssize_t count, double *to)
{
    if (PyObject_CheckBuffer(o)) {
        Py_buffer view;
        if (PyObject_GetBuffer(o, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)) return -1;
        int fits = view.itemsize == sizeof(double) && view.format && !strcmp(view.format, "d");
        if (fits && view.len == count * (Py_ssize_t)sizeof(double)) {
            memcpy(to, view.buf, (size_t)view.len);
            PyBuffer_Release(&view);
            return 0;
        }
        PyBuffer_Release(&view);
    }
    PyObject *items = PySequence_Fast(o, "takes a list of numbers");
    if (!items) return -1;
    int fault = 0;
    for (Py_ssize_t i = 0; !fault && i <= count; i++) { /* the list may change meanwhile */
        Py_ssize_t size = PySequence_Fast_GET_SIZE(items);
        if (size != count) {
            PyErr_Format(PyExc_ValueError, "%zd numbers for %zd nodes", size, count);
            fault = -1;
        } else if (i < count) {
            PyObject *item = PySequence_Fast_GET_ITEM(items, i);
            Py_INCREF(item);
            to[i] = PyFloat_AsDouble(item);
            Py_DECREF(item);
            if (to[i] == -1.0 && PyErr_Occurred()) fault = -1;
        }
    }
    Py_DECREF(items);
    return fault;
}

/* The numbers of a list or buffer in memory of their own; NULL with an error. */
static double *
doubles_of(PyObject *o, Py_ssize_t *count)
{
    *count = PyObject_Size(o);
    if (*count < 0) return NULL;
    double *numbers = PyMem_Malloc(((size_t)*count + 1) * sizeof(double));
    if (!numbers) {
        PyErr_NoMemory();
    } else if (read_doubles(o, *count, numbers)) {
        PyMem_Free(numbers);
        numbers = NULL;
    }
    return numbers;
}

/* packed(nodes): the numbers as an array of "d". */
static PyObject *
module_packed(PyObject *Py_UNUSED(module), PyObject *o)
{
    PyObject *nodes = sequence_of_nodes(o, "packed"), *result = NULL;
    if (!nodes) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(nodes);
    double *numbers = PyMem_Malloc(((size_t)count + 1) * sizeof(double));
    if (!numbers) {
        PyErr_NoMemory();
    } else {
        for (Py_ssize_t i = 0; i < count; i++) numbers[i] = NODE_AT(nodes, i)->data;
        result = array_of("d", numbers, (size_t)count * sizeof(double));
    }
    PyMem_Free(numbers);
    Py_DECREF(nodes);
    return result;
}

/* Set a field of each node to the number with the same index. */
static PyObject *
write_many(PyObject *const *args, Py_ssize_t nargs, size_t offset)
{
    const char *name = offset == offsetof(Node, data) ? "set_numbers" : "set_gradients";
    if (nargs != 2) return PyErr_Format(PyExc_TypeError, "%s takes 2 arguments", name);
    Py_ssize_t count; /* the numbers first: reading them may run code that changes a list of nodes */
    double *values = doubles_of(args[1], &count);
    PyObject *nodes = values ? sequence_of_nodes(args[0], name) : NULL;
    int fits = nodes && PySequence_Fast_GET_SIZE(nodes) == count;
    if (nodes && !fits)
        PyErr_Format(PyExc_ValueError, "%s: %zd numbers for %zd nodes", name, count,
                     PySequence_Fast_GET_SIZE(nodes));
    for (Py_ssize_t i = 0; fits && i < count; i++)
        *(double *)((char *)NODE_AT(nodes, i) + offset) = values[i];
    PyMem_Free(values);
    Py_XDECREF(nodes);
    if (!fits) return NULL;
    Py_RETURN_NONE;
}

static PyObject *
module_set_numbers(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    return write_many(args, nargs, offsetof(Node, data));
}

static PyObject *
module_set_gradients(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    return write_many(args, nargs, offsetof(Node, grad));
}

static PyObject *
module_clear_gradients(PyObject *Py_UNUSED(module), PyObject *o)
{
    PyObject *nodes = sequence_of_nodes(o, "clear_gradients");
    if (!nodes) return NULL;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(nodes); i++) NODE_AT(nodes, i)->grad = 0.0;
    Py_DECREF(nodes);
    Py_RETURN_NONE;
}

/* --- arithmetic of lists of numbers, for optimisers -------------------------------------------- */

/* The same, of which there must be `count`. */
static double *
doubles_of_length(PyObject *o, Py_ssize_t count)
{
    Py_ssize_t found;
    double *numbers = doubles_of(o, &found);
    if (numbers && found != count) {
        PyErr_Format(PyExc_ValueError, "lists of %zd and of %zd numbers", count, found);
        PyMem_Free(numbers);
        numbers = NULL;
    }
    return numbers;
}

static PyObject *
doubles_as_array(const double *numbers, Py_ssize_t count)
{
    return array_of("d", numbers, (size_t)count * sizeof(double));
}

static PyObject *
module_scaled(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *xs;
    double a;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "Od", &xs, &a)) return NULL;
    double *x = doubles_of(xs, &count);
    if (!x) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) x[i] = a * x[i];
    PyObject *result = doubles_as_array(x, count);
    PyMem_Free(x);
    return result;
}

static PyObject *
module_combined(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *xs, *ys, *result = NULL;
    double a;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "OdO", &xs, &a, &ys)) return NULL;
    double *x = doubles_of(xs, &count), *y = x ? doubles_of_length(ys, count) : NULL;
    if (y) {
        for (Py_ssize_t i = 0; i < count; i++) x[i] = x[i] + a * y[i];
        result = doubles_as_array(x, count);
    }
    PyMem_Free(x);
    PyMem_Free(y);
    return result;
}

static PyObject *
module_adam(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *gradients, *means, *squares, *result = NULL;
    double lr, b1, b2, unbias1, unbias2, eps;
    if (!PyArg_ParseTuple(args, "OOOdddddd", &gradients, &means, &squares, &lr, &b1, &b2, &unbias1,
                          &unbias2, &eps))
        return NULL;
    Py_ssize_t count;
    double *g = doubles_of(gradients, &count);
    double *m = g ? doubles_of_length(means, count) : NULL;
    double *v = m ? doubles_of_length(squares, count) : NULL;
    if (v) {
        for (Py_ssize_t i = 0; i < count; i++) {
            m[i] = b1 * m[i] + (1.0 - b1) * g[i];
            v[i] = b2 * v[i] + (1.0 - b2) * g[i] * g[i];
            double below = sqrt(v[i] / unbias2) + eps;
            g[i] = m[i] != 0.0 ? -lr * (m[i] / unbias1) / below : 0.0;
            if (m[i] != 0.0 && below == 0.0) /* eps = 0, and the square is too small */
                PyErr_SetString(PyExc_ZeroDivisionError, "float division by zero");
        }
        PyObject *changes = PyErr_Occurred() ? NULL : doubles_as_array(g, count);
        PyObject *new_means = changes ? doubles_as_array(m, count) : NULL;
        PyObject *new_squares = new_means ? doubles_as_array(v, count) : NULL;
        if (new_squares) result = PyTuple_Pack(3, changes, new_means, new_squares);
        Py_XDECREF(changes);
        Py_XDECREF(new_means);
        Py_XDECREF(new_squares);
    }
    PyMem_Free(g);
    PyMem_Free(m);
    PyMem_Free(v);
    return result;
}

/* --- sweeps over flat arrays -------------------------------------------------------------------- */

/* A tape of numbers: see tape.py. */
typedef struct {
    Py_buffer starts, operands, partials, unused, within;
    Py_ssize_t count; /* of nodes */
} Sweep;

static void
end_sweep(Sweep *sweep)
{
    PyBuffer_Release(&sweep->starts);
    PyBuffer_Release(&sweep->operands);
    PyBuffer_Release(&sweep->partials);
    PyBuffer_Release(&sweep->unused);
    PyBuffer_Release(&sweep->within);
}

static int
read_buffer(PyObject *o, const char *format, Py_buffer *view)
{
    if (PyObject_GetBuffer(o, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)) return 0;
    if (view->format && !strcmp(view->format, format)) return 1;
    PyErr_Format(PyExc_TypeError, "a sweep takes arrays of %s, got %.20s", format,
                 view->format ? view->format : "bytes");
    return 0;
}

/* Read the arrays of a tape, and check every index in them; `within` may be None. */
static int
begin_sweep(Sweep *sweep, PyObject *starts, PyObject *operands, PyObject *partials,
            PyObject *unused, PyObject *within)
{
    memset(sweep, 0, sizeof *sweep);
    if (!read_buffer(starts, "q", &sweep->starts) || !read_buffer(operands, "q", &sweep->operands))
        return 0;
    if (partials && !read_buffer(partials, "d", &sweep->partials)) return 0;
    if (partials && !read_buffer(unused, "B", &sweep->unused)) return 0;
    if (within != Py_None && !read_buffer(within, "B", &sweep->within)) return 0;
    Py_ssize_t count = sweep->starts.len / 8 - 1, edges = sweep->operands.len / 8;
    const int64_t *first = sweep->starts.buf, *operand = sweep->operands.buf;
    int fine = count >= 0 && first[0] == 0 && first[count] == edges;
    fine = fine && (!partials || sweep->partials.len / 8 == edges);
    fine = fine && (!partials || sweep->unused.len == edges);
    fine = fine && (within == Py_None || sweep->within.len == count);
    for (Py_ssize_t i = 0; fine && i < count; i++) {
        fine = first[i] <= first[i + 1] && first[i + 1] <= edges;
        for (int64_t e = first[i]; fine && e < first[i + 1]; e++)
            fine = operand[e] >= 0 && operand[e] < i;
    }
    sweep->count = count;
    if (!fine) PyErr_SetString(PyExc_ValueError, "the arrays are not those of a tape");
    return fine;
}

/* Memory for a term of each node, with those of the dict `known`; NULL with an error. Behind the
   terms stands a byte for each of them: whether there is one. */
static double *
read_terms(PyObject *known, Py_ssize_t count)
{
    double *terms = PyMem_RawCalloc((size_t)count + 1, sizeof(double) + 1);
    if (!terms) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(known, &position, &key, &value);) {
        Py_ssize_t i = PyLong_AsSsize_t(key);
        double term = PyFloat_AsDouble(value);
        if (!PyErr_Occurred() && (i < 0 || i >= count))
            PyErr_SetString(PyExc_IndexError, "a sweep begins at a node that does not exist");
        if (PyErr_Occurred()) {
            PyMem_RawFree(terms);
            return NULL;
        }
        terms[i] = term;
        ((char *)(terms + count))[i] = 1;
    }
    return terms;
}

static PyObject *
write_terms(const double *terms, const char *known, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *term = known[i] ? PyFloat_FromDouble(terms[i]) : Py_NewRef(Py_None);
        if (!term)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, term);
    }
    return list;
}

static inline void
add_term(double *terms, char *known, int64_t i, double g, double slope)
{
    terms[i] = known[i] ? terms[i] + g * slope : g * slope;
    known[i] = 1;
}

/* pull_numbers and push_numbers(starts, operands, partials, unused, known, within, wanted): the
   terms of the first `wanted` nodes, None where there is none. */
static PyObject *
sweep_numbers(PyObject *args, int backward)
{
    PyObject *starts, *operands, *partials, *unused, *seeds, *within, *result = NULL;
    Py_ssize_t wanted;
    if (!PyArg_ParseTuple(args, "OOOOO!On", &starts, &operands, &partials, &unused, &PyDict_Type,
                          &seeds, &within, &wanted))
        return NULL;
    Sweep sweep;
    double *terms = NULL;
    if (begin_sweep(&sweep, starts, operands, partials, unused, within) &&
        (terms = read_terms(seeds, sweep.count))) {
        char *known = (char *)(terms + sweep.count);
        const int64_t *first = sweep.starts.buf, *operand = sweep.operands.buf;
        const double *slope = sweep.partials.buf;
        const char *reached = sweep.within.buf, *skipped = sweep.unused.buf;
        for (Py_ssize_t k = 0; k < sweep.count; k++) {
            Py_ssize_t i = backward ? sweep.count - 1 - k : k;
            if (backward && !known[i]) continue;
            for (int64_t e = first[i]; e < first[i + 1]; e++) {
                int64_t j = operand[e];
                if (skipped[e]) continue;
                if (!backward && known[j])
                    add_term(terms, known, i, terms[j], slope[e]);
                else if (backward && (!reached || reached[j]))
                    add_term(terms, known, j, terms[i], slope[e]);
            }
        }
        result = write_terms(terms, known, wanted < sweep.count ? wanted : sweep.count);
    }
    PyMem_RawFree(terms);
    end_sweep(&sweep);
    return result;
}

static PyObject *
module_pull_numbers(PyObject *Py_UNUSED(module), PyObject *args)
{
    return sweep_numbers(args, 1);
}

static PyObject *
module_push_numbers(PyObject *Py_UNUSED(module), PyObject *args)
{
    return sweep_numbers(args, 0);
}

/* reach(starts, operands, reached): mark every node that depends on a marked one. */
static PyObject *
module_reach(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *starts, *operands, *marks;
    if (!PyArg_ParseTuple(args, "OOO!", &starts, &operands, &PyByteArray_Type, &marks)) return NULL;
    Sweep sweep;
    int fine = begin_sweep(&sweep, starts, operands, NULL, NULL, marks);
    if (fine) {
        const int64_t *first = sweep.starts.buf, *operand = sweep.operands.buf;
        char *reached = sweep.within.buf;
        for (Py_ssize_t i = 0; i < sweep.count; i++)
            for (int64_t e = first[i]; !reached[i] && e < first[i + 1]; e++)
                reached[i] = reached[operand[e]];
    }
    end_sweep(&sweep);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

/* unused(nodes, starts, partials): by edge, whether its operand was not used. */
static PyObject *
module_unused(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) return PyErr_Format(PyExc_TypeError, "unused takes 3 arguments");
    Py_buffer starts = {0}, partials = {0};
    PyObject *nodes = sequence_of_nodes(args[0], "unused"), *found = NULL;
    if (nodes && read_buffer(args[1], "q", &starts) && read_buffer(args[2], "d", &partials))
        found = PyByteArray_FromStringAndSize(NULL, partials.len / 8);
    if (found) {
        const int64_t *first = starts.buf;
        const double *slope = partials.buf;
        char *unused = PyByteArray_AS_STRING(found);
        Py_ssize_t count = PySequence_Fast_GET_SIZE(nodes), edges = partials.len / 8;
        memset(unused, 0, (size_t)edges);
        int fine = starts.len / 8 == count + 1 && first[0] == 0 && first[count] == edges;
        for (Py_ssize_t i = 0; fine && i < count; i++) {
            if (first[i] == first[i + 1]) continue; /* a leaf, or an input, whose operands are not seen */
            Node *n = NODE_AT(nodes, i);
            Py_ssize_t own = count_of_operands(n);
            fine = first[i + 1] - first[i] == own && first[i + 1] <= edges;
            for (Py_ssize_t k = 0; fine && k < own; k++)
                if (slope[first[i] + k] == 0.0) unused[first[i] + k] = (char)is_unused(n, k);
        }
        if (!fine) {
            PyErr_SetString(PyExc_ValueError, "the arrays are not those of a tape");
            Py_CLEAR(found);
        }
    }
    PyBuffer_Release(&starts);
    PyBuffer_Release(&partials);
    Py_XDECREF(nodes);
    return found;
}

/* leaves(starts, first): the nodes without operands, from node `first` on. */
static PyObject *
module_leaves(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *starts;
    Py_ssize_t from;
    Py_buffer view = {.obj = NULL}; /* may be released without having been filled */
    if (!PyArg_ParseTuple(args, "On", &starts, &from)) return NULL;
    PyObject *list = NULL;
    if (read_buffer(starts, "q", &view)) list = PyList_New(0);
    const int64_t *first = list ? view.buf : NULL;
    for (Py_ssize_t i = from < 0 ? 0 : from; list && i < view.len / 8 - 1; i++) {
        if (first[i] != first[i + 1]) continue;
        PyObject *index = PyLong_FromSsize_t(i);
        if (!index || PyList_Append(list, index)) Py_CLEAR(list);
        Py_XDECREF(index);
    }
    PyBuffer_Release(&view);
    return list;
}

/* --- the module -------------------------------------------------------------------------------- */

static PyMemberDef node_members[] = {
    {"_data", T_DOUBLE, offsetof(Node, data), 0, "The number, whatever mode is active."},
    {"_grad", T_DOUBLE, offsetof(Node, grad), 0, "The derivative, whatever mode is active."},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weak), READONLY, NULL},
    {NULL},
};

static PyGetSetDef node_attributes[] = {
    {"data", get_number, set_number, "The number.", &data_field},
    {"grad", get_number, set_number,
     "The derivative of the value that `backward` was last called on by this one.", &grad_field},
    {"label", get_label, put_label, "A name for pictures and messages.", NULL},
    {"_row", get_row, NULL, "The operation; for a leaf None, CONSTANT or DETACHED.", NULL},
    {"_x", get_x, NULL, "The first of two operands, else all of them.", NULL},
    {"_y", get_y, NULL, "The second of two operands, else None.", NULL},
    {"parents", get_parents, NULL,
     "The operands in order, one that was used twice twice; () for a leaf.", NULL},
    {"partials", get_partials, NULL,
     "The derivative with respect to each operand, as of when the value was computed.", NULL},
    {NULL},
};

static PyMethodDef node_methods[] = {
    {"apply", (PyCFunction)(void (*)(void))node_apply, METH_FASTCALL,
     "The result of an operation on Values and numbers, as a node."},
    {"__sizeof__", node_sizeof, METH_NOARGS, "The size in bytes, with the list of operands."},
    {NULL},
};

static PyType_Slot node_slots[] = {
    {Py_tp_doc, "Node(data, label='')\n--\n\nOne value with its operands and local derivatives."},
    {Py_tp_new, node_new},
    {Py_tp_init, node_init},
    {Py_tp_dealloc, node_dealloc},
    {Py_tp_members, node_members},
    {Py_tp_getset, node_attributes},
    {Py_tp_methods, node_methods},
    {Py_tp_richcompare, node_richcompare},
    {Py_tp_hash, node_hash},
    {Py_nb_add, node_add},
    {Py_nb_subtract, node_subtract},
    {Py_nb_multiply, node_multiply},
    {Py_nb_true_divide, node_true_divide},
    {Py_nb_power, node_power},
    {Py_nb_negative, node_negative},
    {Py_nb_absolute, node_absolute},
    {Py_nb_bool, node_bool},
    {0, NULL},
};

static PyType_Spec node_spec = {
    .name = "scalargrad.core._node.Node",
    .basicsize = sizeof(Node),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = node_slots,
};

static PyObject *
module_register(PyObject *Py_UNUSED(module), PyObject *cls)
{
    if (!PyType_Check(cls) || !PyType_IsSubtype((PyTypeObject *)cls, NodeType) ||
        ((PyTypeObject *)cls)->tp_basicsize != NodeType->tp_basicsize ||
        ((PyTypeObject *)cls)->tp_dictoffset || !PyType_IS_GC((PyTypeObject *)cls)) {
        PyErr_SetString(PyExc_TypeError, "register takes a subclass of Node without further slots");
        return NULL;
    }
    /* Python gives every class the header of the collector, 16 bytes an object. Without further
       slots there is nothing to collect. */
    PyTypeObject *type = (PyTypeObject *)cls;
    type->tp_flags &= ~Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = NULL;
    type->tp_clear = NULL;
    type->tp_free = free_node;
    PyType_Modified(type);
    Py_INCREF(cls);
    ValueType = type; /* nodes do not own the one before, which therefore stays */
    Py_RETURN_NONE;
}

static int
find_methods(PyObject **methods, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (!(methods[i] = PyObject_GetAttrString(reference, names[i]))) return -1;
    return 0;
}

/* The operations that are methods of a value; `setup` writes their docstrings from their rows. */
static PyMethodDef unary_methods[] = {
    {"exp", node_exp, METH_NOARGS, NULL},         {"log", node_log, METH_NOARGS, NULL},
    {"tanh", node_tanh, METH_NOARGS, NULL},       {"sigmoid", node_sigmoid, METH_NOARGS, NULL},
    {"relu", node_relu, METH_NOARGS, NULL},       {"sqrt", node_sqrt, METH_NOARGS, NULL},
    {"sin", node_sin, METH_NOARGS, NULL},         {"cos", node_cos, METH_NOARGS, NULL},
    {NULL},
};

static int
add_unary_methods(PyObject *table)
{
    for (PyMethodDef *method = unary_methods; method->ml_name; method++) {
        PyObject *row = PyMapping_GetItemString(table, method->ml_name);
        PyObject *about = row ? PyObject_GetAttrString(row, "about") : NULL;
        PyObject *text = about ? PyUnicode_FromFormat("%s($self, /)\n--\n\nCompute %s(x): %S.",
                                                      method->ml_name, method->ml_name, about)
                               : NULL;
        Py_XDECREF(row);
        Py_XDECREF(about);
        if (!text || !(method->ml_doc = PyUnicode_AsUTF8(text))) return -1; /* kept for good */
        PyObject *made = PyDescr_NewMethod(NodeType, method);
        int fault = !made || PyObject_SetAttrString((PyObject *)NodeType, method->ml_name, made);
        Py_XDECREF(made);
        if (fault) return -1;
    }
    return 0;
}

static int
find_rows(PyObject **rows, const char *const *names, int count, PyObject *table)
{
    for (int i = 0; i < count; i++) {
        if (!(rows[i] = PyMapping_GetItemString(table, names[i]))) return -1;
    }
    return 0;
}

/* Collect the rules which zeros mean "not used". A rule that is a function `is_unused` must spell. */
static int
find_unused_rules(PyObject *rows)
{
    Py_XSETREF(unused_rules, PyDict_New());
    if (!unused_rules) return -1;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++) {
        PyObject *row = PyList_GET_ITEM(rows, i), *rule = PyObject_GetAttrString(row, "unused");
        if (!rule) return -1;
        int spelled = row == binary_rows[MUL] || row == binary_rows[POW] || row == row_xlogy ||
                      row == many_rows[DOT] || row == many_rows[PROD];
        int plain = rule == Py_True || PyTuple_CheckExact(rule);
        int fault = plain ? PyDict_SetItem(unused_rules, row, rule) : 0;
        if (!spelled && !plain && rule != Py_False) {
            PyErr_Format(PyExc_SystemError, "_node.c does not spell the rule `unused` of %R", row);
            fault = -1;
        }
        Py_DECREF(rule);
        if (fault) return -1;
        Py_XSETREF(PrimitiveType, (PyTypeObject *)Py_NewRef(Py_TYPE(row)));
    }
    return 0;
}

/* Take over the call of rows: what a class finds in its dict as an instance method gets the row. */
static int
take_over_calls(PyObject *rows)
{
    static PyMethodDef definition = {
        "__call__", (PyCFunction)(void (*)(void))module_call_row, METH_FASTCALL,
        "The result on numbers, or on Values and numbers."};
    name_value = PyUnicode_InternFromString("value");
    name_partials = PyUnicode_InternFromString("partials");
    name_arity = PyUnicode_InternFromString("arity");
    name_apply = PyUnicode_InternFromString("apply");
    if (!name_value || !name_partials || !name_arity || !name_apply) return -1;
    PyObject *row = PyObject_CallMethod(rows, "__iter__", NULL);
    PyObject *first = row ? PyIter_Next(row) : NULL;
    Py_XDECREF(row);
    if (!first) return -1;
    PyObject *cls = (PyObject *)Py_TYPE(first);
    PyObject *before = PyObject_GetAttrString(cls, "__call__");
    if (!before || PyCFunction_Check(before)) { /* taken over already: node.py was loaded again */
        Py_XDECREF(before);
        Py_DECREF(first);
        return before ? 0 : -1;
    }
    Py_XSETREF(call_reference_of_rows, before);
    PyObject *function = PyCFunction_New(&definition, NULL);
    PyObject *method = function ? PyInstanceMethod_New(function) : NULL;
    int fault = !method || PyObject_SetAttrString(cls, "__call__", method);
    Py_XDECREF(function);
    Py_XDECREF(method);
    Py_DECREF(first);
    return fault ? -1 : 0;
}

/* setup(Node, check_access, order, active, watching, stack, TABLE, CONSTANT, DETACHED) of node.py */
static PyObject *
module_setup(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *table;
    if (!PyArg_ParseTuple(args, "OOOO!O!O!OOO", &reference, &check_access, &order_reference,
                          &PyDict_Type, &active, &PyDict_Type, &watching, &PyContextVar_Type,
                          &stack_of_modes, &table, &row_of_constants, &row_of_detached))
        return NULL;
    Py_INCREF(reference);
    Py_INCREF(check_access);
    Py_INCREF(order_reference);
    Py_INCREF(active);
    Py_INCREF(watching);
    Py_INCREF(stack_of_modes);
    Py_INCREF(row_of_constants);
    Py_INCREF(row_of_detached);
    name_builds = PyUnicode_InternFromString("builds");
    name_recorder = PyUnicode_InternFromString("recorder");
    name_frame = PyUnicode_InternFromString("frame");
    name_nodes = PyUnicode_InternFromString("nodes");
    if (!name_builds || !name_recorder || !name_frame || !name_nodes) return NULL;
    if (find_methods(binary_reference, binary_methods, BINARY_COUNT) ||
        find_methods(reflected_reference, reflected_methods, BINARY_COUNT) ||
        find_methods(comparison_reference, comparison_methods, 6) ||
        !(apply_reference = PyObject_GetAttrString(reference, "apply")) ||
        find_rows(binary_rows, binary_names, BINARY_COUNT, table) ||
        find_rows(&row_xlogy, &name_of_xlogy, 1, table) ||
        find_rows(unary_rows, unary_names, UNARY_COUNT, table) ||
        find_rows(many_rows, many_names, MANY_COUNT, table) || add_unary_methods(table))
        return NULL;
    PyObject *rows = PyMapping_Values(table);
    Py_XSETREF(table_rows, rows ? PySet_New(rows) : NULL);
    int fault = !table_rows || find_unused_rules(rows) || take_over_calls(table_rows);
    Py_XDECREF(rows);
    if (fault) return NULL;
    Py_RETURN_NONE;
}

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL
static PyMethodDef module_methods[] = {
    {"setup", module_setup, METH_VARARGS, "Say what the nodes refer to."},
    {"register", module_register, METH_O, "Make a class the class of all nodes made from now on."},
    {"fill", module_fill, METH_VARARGS, "Make a node a leaf of the user."},
    {"leaf", FAST(module_leaf), "A leaf that the user did not create."},
    {"binary", FAST(module_binary), "A node with two operands and their partials."},
    {"nary", (PyCFunction)(void (*)(void))module_nary, METH_VARARGS | METH_KEYWORDS,
     "A node with any number of operands and as many partials."},
    {"without_partials", module_without_partials, METH_VARARGS,
     "A node whose partials are not known."},
    {"owner_of", module_owner_of, METH_O, "What stands in the place of the partials of a node."},
    {"neuron", FAST(module_neuron), "The output of a neuron."},
    {"setup_neuron", module_setup_neuron, METH_O, "Say which function is the reference of neuron."},
    {"backward", FAST(module_backward), "Add the derivatives to the gradients of a graph."},
    {"order", FAST(module_order), "The nodes of graphs, every operand before its results."},
    {"linear", FAST(module_linear), "A graph as flat arrays."},
    {"partials", FAST(module_partials), "The local derivative on each edge."},
    {"numbers", module_numbers, METH_O, "The numbers of many nodes."},
    {"gradients", module_gradients, METH_O, "The gradients of many nodes."},
    {"set_numbers", FAST(module_set_numbers), "Set the numbers of many nodes."},
    {"scaled", module_scaled, METH_VARARGS, "a * x for each number."},
    {"combined", module_combined, METH_VARARGS, "x + a * y for each pair of numbers."},
    {"adam", module_adam, METH_VARARGS, "The changes of a step of Adam, and its new moments."},
    {"pull_numbers", module_pull_numbers, METH_VARARGS, "Sweep numbers backward over a tape."},
    {"push_numbers", module_push_numbers, METH_VARARGS, "Sweep numbers forward over a tape."},
    {"is_unused", FAST(module_is_unused), "Whether a partial of zero means that nothing flows."},
    {"unused", FAST(module_unused), "By edge, whether its operand was not used."},
    {"leaves", module_leaves, METH_VARARGS, "The nodes of a tape without operands."},
    {"reach", module_reach, METH_VARARGS, "Mark every node that depends on a marked one."},
    {"set_gradients", FAST(module_set_gradients), "Set the gradients of many nodes."},
    {"clear_gradients", module_clear_gradients, METH_O, "Set the gradients of many nodes to zero."},
    {"packed", module_packed, METH_O, "The numbers of many nodes, as an array."},
    {NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "_node", "The node in machine code; see node.py.", 0, module_methods,
};

PyMODINIT_FUNC
PyInit__node(void)
{
    /* What nodes refer to stands in variables of C, which are those of one interpreter. */
    static int64_t interpreter = -1;
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (interpreter >= 0 && interpreter != here) {
        PyErr_SetString(PyExc_ImportError, "it serves one interpreter of a process");
        return NULL;
    }
    interpreter = here;
    PyObject *module = PyModule_Create(&module_definition);
    if (!module) return NULL;
    if (!active) { /* what `setup` replaces: without it nodes raise errors, and do not crash */
        reference = Py_NewRef(Py_None);
        apply_reference = Py_NewRef(Py_None);
        neuron_reference = Py_NewRef(Py_None);
        active = PyDict_New();
        watching = PyDict_New();
        table_rows = PySet_New(NULL);
        if (!active || !watching || !table_rows) return NULL;
    }
    if (!NodeType) NodeType = (PyTypeObject *)PyType_FromSpec(&node_spec);
    if (!NodeType || PyModule_AddObjectRef(module, "Node", (PyObject *)NodeType) ||
        PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) ||
        PyModule_AddStringConstant(module, "SOURCE", SCALARGRAD_SOURCE)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
